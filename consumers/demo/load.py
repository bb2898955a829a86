"""Sends the sample shop through the doors that shops use, and asks what came of it."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final
from uuid import uuid4
from zlib import crc32

import httpx2
import orjson
import stamina

from consumers.demo.journey import Message

Advance = Callable[[int], None]

_BATCH: Final = 200
_BATCH_BYTES: Final = 400_000
_LANES: Final = 4
_WAITING: Final = 3
_PATIENCE: Final = 120.0


class NotTaken(Exception):
    """The service refused what the demo sent; its answer follows."""


class Busy(Exception):
    """The service asks to try again later."""


class Stopped(Exception):
    """The demo was asked to end before it had sent everything."""


class ShopClient:
    """A shop's connection to Huike: one key for what it publishes, one for what it asks.

    When `stop` is set, whatever is asked next raises Stopped.
    """

    def __init__(self, url: str, *, ingest: str, command: str, stop: threading.Event) -> None:
        self.url = url
        self.stop = stop
        self._ingest = ingest
        self._client = httpx2.Client(
            base_url=url,
            timeout=60,
            headers={"Authorization": f"Bearer {command}"},
            limits=httpx2.Limits(max_connections=_LANES + 2),
        )

    def close(self) -> None:
        self._client.close()

    def publish(self, messages: Iterable[Message], advance: Advance) -> int:
        """Send messages in batches, several at once, one person's in order; return how many.

        Raises NotTaken when one was rejected: the sample is right, so the service is not.
        """
        taken = 0
        lanes: list[deque[Future[int]]] = [deque() for _ in range(_LANES)]
        threads = [ThreadPoolExecutor(1) for _ in range(_LANES)]
        try:
            for lane, body, count in _batches(messages):
                lanes[lane].append(threads[lane].submit(self._send, body, count))
                while len(lanes[lane]) > _WAITING:
                    taken += _land(lanes[lane].popleft(), advance)
            for flying in lanes:
                while flying:
                    taken += _land(flying.popleft(), advance)
        finally:
            for thread in threads:
                thread.shutdown(cancel_futures=True)
        return taken

    def _send(self, body: bytes, count: int) -> int:
        answer = self._ask(
            "POST",
            "/v1/batch",
            content=body,
            headers={
                "Authorization": f"Bearer {self._ingest}",
                "Content-Type": "application/json",
            },
        )
        rejected = [r for r in answer["results"] if r["status"] != "accepted"]
        if rejected:
            raise NotTaken(rejected[:3])
        return count

    def get(self, path: str, **query: Any) -> Any:
        """Ask a question. Raises NotTaken."""
        return self._ask("GET", path, params=query)

    def command(
        self,
        path: str,
        body: object,
        *,
        key: str | None = None,
        occurred_at: datetime | None = None,
    ) -> Any:
        """Ask for something to be done, once for one `key`. Raises NotTaken.

        `occurred_at`: when it happened, if that was not now.
        """
        return self._ask(
            "POST",
            path,
            params={} if occurred_at is None else {"occurred_at": occurred_at.isoformat()},
            content=orjson.dumps(body, default=str),
            headers={
                "Idempotency-Key": key or uuid4().hex,
                "Content-Type": "application/json",
            },
        )

    @stamina.retry(on=(httpx2.TransportError, Busy), attempts=None, timeout=_PATIENCE)
    def _ask(self, method: str, path: str, **more: Any) -> Any:
        if self.stop.is_set():
            raise Stopped
        response = self._client.request(method, path, **more)
        if response.status_code in {429, 502, 503, 504}:
            raise Busy(response.text)
        if response.is_error:
            raise NotTaken(f"{method} {path}: {response.status_code} {response.text[:500]}")
        return orjson.loads(response.content) if response.content else None


def _batches(messages: Iterable[Message]) -> Iterator[tuple[int, bytes, int]]:
    """Yield (lane, body, count): a person's messages always go by the same lane."""
    held: list[list[bytes]] = [[] for _ in range(_LANES)]
    sizes = [0] * _LANES
    for message in messages:
        raw = orjson.dumps(message)
        lane = crc32(message["userId"].encode()) % _LANES
        if held[lane] and (len(held[lane]) >= _BATCH or sizes[lane] + len(raw) > _BATCH_BYTES):
            yield lane, _body(held[lane]), len(held[lane])
            held[lane], sizes[lane] = [], 0
        held[lane].append(raw)
        sizes[lane] += len(raw) + 1
    for lane, rest in enumerate(held):
        if rest:
            yield lane, _body(rest), len(rest)


def _body(batch: list[bytes]) -> bytes:
    return b'{"batch":[' + b",".join(batch) + b"]}"


def _land(flight: "Future[int]", advance: Advance) -> int:
    count = flight.result()
    advance(count)
    return count
