"""Load: shops' servers that publish, and send an event again until it is accepted, as SDKs do."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from itertools import count, islice
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec

from tests.bench import story

_ROUND = 2_000
_ANSWER_SECONDS = 60.0
_AGAIN_SECONDS = 0.2
_END_SECONDS = 120.0

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.decode


class Load:
    """Publishes from entering to leaving, over several connections, batches of events.

    Leaving waits until every event that was sent is accepted. `pause`: seconds between batches;
    `every`: seconds from the beginning of one to that of the next, whenever it is answered.
    """

    def __init__(  # noqa: PLR0913  # what a shop is like
        self,
        address: str,
        key: str,
        *,
        name: str = "load",
        lanes: int = 3,
        batch: int = 10,
        pause: float = 0.02,
        every: float = 0,
        customers: int = 200,
    ) -> None:
        self._place = urlsplit(address).netloc
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._batch = batch
        self._pause = pause
        self._every = every
        self._customers = customers
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.accepted: set[str] = set()
        self.orders = 0
        self.paid = Decimal(0)
        self.statuses: Counter[str] = Counter()
        """Answers by status, and `lost`: connections that ended without one."""
        self.without_retry_after = 0
        self.rejected: list[Any] = []
        self.slowest = 0.0
        self.slowest_refusal = 0.0
        self._threads = [
            threading.Thread(target=self._send, args=(f"{name}-{lane}",)) for lane in range(lanes)
        ]
        self.failed: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(_END_SECONDS)
            if thread.is_alive():
                self.failed.append(f"{thread.name} has an event that nobody accepts")

    def _send(self, seed: str) -> None:
        messages = _messages(seed, self._customers)
        due = time.monotonic()
        connection = self._connection()
        unanswered_since = None
        while not self._stop.is_set():
            events = list(islice(messages, self._batch))
            body = b'{"batch":[' + b",".join(map(_encode, events)) + b"]}"
            while again := self._take(connection, body, events):
                unanswered_since = unanswered_since or time.monotonic()
                if self._stop.is_set() and time.monotonic() - unanswered_since > _END_SECONDS:
                    return
                time.sleep(again)
            unanswered_since = None
            due += self._every
            time.sleep(max(0, due - time.monotonic()) if self._every else self._pause)
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._place, timeout=_ANSWER_SECONDS)

    def _take(
        self, connection: http.client.HTTPConnection, body: bytes, events: list[story.Message]
    ) -> float:
        """Send a batch; return after how many seconds to send it again, 0 when it is accepted."""
        began = time.monotonic()
        try:
            connection.request("POST", "/v1/batch", body, self._headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            with self._lock:
                self.statuses["lost"] += 1
                self.statuses[f"lost by {type(error).__name__}"] += 1
            return _AGAIN_SECONDS
        with self._lock:
            seconds = time.monotonic() - began
            self.statuses[str(response.status)] += 1
            if response.status == HTTPStatus.OK:
                self.slowest = max(self.slowest, seconds)
            else:
                self.slowest_refusal = max(self.slowest_refusal, seconds)
            if response.status in _LATER:
                self.without_retry_after += "Retry-After" not in response.headers
            if response.status == HTTPStatus.TOO_MANY_REQUESTS:
                return float(response.headers.get("Retry-After", _AGAIN_SECONDS))
            if response.status != HTTPStatus.OK:
                return _AGAIN_SECONDS
            results = _decode(answer)["results"]
            for event, result in zip(events, results, strict=True):
                if result["status"] == "accepted":
                    self._accept(event)
                else:
                    self.rejected.append(result)
            return 0

    def _accept(self, event: story.Message) -> None:
        if event["messageId"] in self.accepted:
            return
        self.accepted.add(event["messageId"])
        if event.get("event") == "Order Completed":
            self.orders += 1
            self.paid += Decimal(str(event["properties"]["total"]))

    def told(self) -> str:
        """Say what was sent and how it was answered."""
        answers = ", ".join(f"{n} × {status}" for status, n in sorted(self.statuses.items()))
        return f"{len(self.accepted):,} events accepted, {self.orders:,} orders ({answers})"


_LATER = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.INSUFFICIENT_STORAGE,
}


def _messages(seed: str, customers: int) -> Iterator[story.Message]:
    for part in count():
        yield from story.messages(
            _ROUND,
            customers=customers,
            seed=f"{seed}-{part}",
            ending=datetime.now(UTC),
            lasting=timedelta(seconds=10),
        )
