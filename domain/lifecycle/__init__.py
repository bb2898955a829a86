"""Lifecycle: by which dated policy customers are called new, active, silent or lost."""
