"""Processes that run for long, each of one shape: a loop, a stop, and nothing lost between."""
