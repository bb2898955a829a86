"""What can be asked of us, and the one door by which what was decided gets into the log."""
