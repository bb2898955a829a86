"""Servers of our own for development, tests and a shop on one machine."""
