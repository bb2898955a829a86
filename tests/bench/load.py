"""Shops that publish: in batches as fast as they are answered, one by one, at a steady rate.

Each is run in a process of its own, which makes its requests before the clock runs.
"""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from tests.bench import story
from tests.bench.wire import Driven, drive, request

BATCH: Final = 100
CONNECTIONS: Final = 4

_encode: Final = msgspec.json.Encoder().encode


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What is published, to whom: `count` requests of `batch` events (1: an event by itself).

    `rate`: events a second; 0: as many as are answered. `path`: of single events, whatever they
    are; empty: each at its own door.
    """

    address: str
    key: str
    seed: str
    count: int
    customers: int
    batch: int = BATCH
    connections: int = CONNECTIONS
    rate: float = 0
    path: str = ""


class Published(msgspec.Struct, frozen=True):
    """What became of it. `customers`: those of each event, by request."""

    driven: Driven
    customers: list[list[int]]

    @property
    def events(self) -> int:
        return sum(map(len, self.customers))

    @property
    def position(self) -> int:
        """The last fact's."""
        return max(self.driven.positions)

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / (self.driven.ended - self.driven.began)


Publish = Callable[[Load], "Future[Published]"]
"""Publishes elsewhere."""


def publish(load: Load) -> Published:
    """Publish events of this moment. Raises Refused, TimeoutError."""
    told = list(
        story.messages(
            load.count * load.batch,
            customers=load.customers,
            seed=load.seed,
            ending=datetime.now(UTC),
            lasting=timedelta(seconds=10),
        )
    )
    each = [int(message["userId"][1:]) for message in told]
    if load.batch == 1:
        requests = [_single(message, load) for message in told]
    else:
        bodies = map(_encode, told)
        requests = [
            request("/v1/batch", load.key, b'{"batch":[' + b",".join(some) + b"]}")
            for some in zip(*[bodies] * load.batch, strict=True)
        ]
    driven = drive(
        load.address,
        requests,
        connections=load.connections,
        each=load.batch / load.rate if load.rate else 0,
    )
    customers = [each[n : n + load.batch] for n in range(0, len(each), load.batch)]
    return Published(driven, customers)


def _single(message: story.Message, load: Load) -> bytes:
    body = {name: value for name, value in message.items() if name != "type"}
    return request(load.path or f"/v1/{message['type']}", load.key, _encode(body))
