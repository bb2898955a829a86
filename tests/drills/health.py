"""Asks a server for its health the whole time, and looks at its memory, from a process of its own.

`python -m tests.drills.health ADDRESS PID`: until SIGTERM; then what it saw, as JSON.
Before all others where it may, since it is to see the server, and not what it shares cores with.
"""

import contextlib
import http.client
import os
import sys
import time

import msgspec
import psutil

from tests.drills.stopping import stop_event

_PAUSE_SECONDS = 0.02
_FIRST = -20


class Seen(msgspec.Struct):
    """How long each answer took, how many were no 200, and the most memory that was held."""

    seconds: list[float]
    unhealthy: int = 0
    memory: int = 0


def main(place: str, pid: str) -> None:
    """Ask until it is enough; write down what was seen."""
    stop = stop_event()
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _FIRST)
    server = psutil.Process(int(pid))
    seen = Seen([])
    connection = http.client.HTTPConnection(place, timeout=60)
    while not stop.wait(_PAUSE_SECONDS):
        began = time.monotonic()
        connection.request("GET", "/health")
        answer = connection.getresponse()
        answer.read()
        seen.seconds.append(time.monotonic() - began)
        seen.unhealthy += answer.status != http.client.OK
        seen.memory = max(seen.memory, server.memory_info().rss)
    sys.stdout.buffer.write(msgspec.json.encode(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
