"""How views are run: live, rebuilt, as of an instant, and verified against the log."""
