"""The line in which appends wait for their commit: bounded by number, and by what they take."""

import threading
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Final

from domain.shared.log import Append
from infra.event_store.waiting import Waiting

_FACT_BYTES: Final = 1_000
"""About what a fact takes, beside the message that it may be of."""


class Line:
    """Appends in the order in which they came, at most `most` of `most_bytes`, then the end."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._counting = threading.Lock()
        self._bytes = 0

    def __len__(self) -> int:
        return self._queue.qsize()

    @property
    def bytes(self) -> int:
        """About how many bytes wait."""
        return self._bytes

    def put(self, asked: Sequence[Waiting]) -> bool:
        """Have all of these wait, or none; one append has room where nothing waits."""
        size = sum([size_of(append) for append, _ in asked])
        with self._counting:
            if len(self) + len(asked) > self._most:
                return False
            if self._bytes and self._bytes + size > self._most_bytes:
                return False
            self._bytes += size
        for waiting in asked:
            self._queue.put(waiting)
        return True

    def end(self) -> None:
        """Have None come after all that waits."""
        self._queue.put(None)

    def take(self, *, wait: bool) -> Waiting | None:
        """Return who comes next, None at the end. Raises queue.Empty when nobody is there."""
        waiting = self._queue.get(block=wait)
        if waiting is not None:
            with self._counting:
                self._bytes -= size_of(waiting[0])
        return waiting


def size_of(append: Append) -> int:
    """Return about how many bytes an append takes while it waits."""
    message = append.message
    return len(append.facts) * _FACT_BYTES + (0 if message is None else len(message.original))
