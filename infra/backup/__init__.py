"""Backup: the log in one sealed file, the keys that open it in another, and the way back."""
