"""Campaigns: what is offered to whom, who is left out on purpose, and until when it counts."""
