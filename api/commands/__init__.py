"""Routes that ask for something to be done."""
