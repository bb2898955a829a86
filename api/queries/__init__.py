"""Routes that ask what is known."""
