"""What there is to read, and the programs that write and prove it."""
