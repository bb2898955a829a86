"""Servers of our own for development, tests and a shop on one machine."""


class ServerUnavailable(RuntimeError):
    """A server cannot be had here; the message says why and what to do."""
