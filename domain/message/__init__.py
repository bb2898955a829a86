"""Messages: what was sent to whom, and the evidence of what became of it."""
