"""What we know now, folded from what happened: one folder a view."""
