"""Ports for servers that tests and drills start."""

import socket
from contextlib import suppress
from secrets import randbelow
from typing import Final

_LOWEST: Final = 15_000
_BELOW: Final = 32_000
"""From here on, systems take ports for outgoing connections, and give them out again and again."""


def free_port() -> int:
    """Find a port that nobody listens on, nor will be given by the system meanwhile."""
    while True:
        port = _LOWEST + randbelow(_BELOW - _LOWEST)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
