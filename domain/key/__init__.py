"""API keys: who was given which rights, and until when."""
