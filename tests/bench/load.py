"""A shop's server that publishes as quickly as it is answered; run in a process of its own."""

import http.client
import time
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Final
from urllib.parse import urlsplit

import msgspec

from tests.bench import story

BATCH: Final = 100
CONNECTIONS: Final = 4

_encode: Final = msgspec.json.Encoder().encode
_PATIENCE: Final = 60.0


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """When (by `time.monotonic`) it began and had its last answer; the last fact's position."""

    began: float
    answered: float
    position: int
    events: int


class Refused(Exception):
    """The server did not accept everything; its answer follows."""


def publish(address: str, key: str, *, seed: str, events: int, customers: int) -> Published:
    """Publish events of this moment in batches, over several connections. Raises Refused."""
    told = story.messages(
        events,
        customers=customers,
        seed=seed,
        ending=datetime.now(UTC),
        lasting=timedelta(seconds=10),
    )
    bodies = list(_bodies([_encode(message) for message in told]))
    connections = [
        http.client.HTTPConnection(urlsplit(address).netloc, timeout=_PATIENCE)
        for _ in range(CONNECTIONS)
    ]
    for connection in connections:
        connection.connect()
    positions: list[int] = []
    lanes = [
        Thread(target=_send, args=(connection, key, bodies[n::CONNECTIONS], positions))
        for n, connection in enumerate(connections)
    ]
    began = time.monotonic()
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    answered = time.monotonic()
    if len(positions) != len(bodies):
        raise Refused("see the log of the server")
    return Published(began=began, answered=answered, position=max(positions), events=events)


def _bodies(messages: list[bytes]) -> "list[bytes]":
    return [
        b'{"batch":[' + b",".join(messages[first : first + BATCH]) + b"]}"
        for first in range(0, len(messages), BATCH)
    ]


def _send(
    connection: http.client.HTTPConnection, key: str, bodies: list[bytes], positions: list[int]
) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for body in bodies:
        connection.request("POST", "/v1/batch", body, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status != http.client.OK or b'"success":true' not in answer:
            raise Refused(answer[:500])
        positions.append(int(response.headers["X-Position"]))
    connection.close()
