"""How much of the door each key may fill: a noisy shop is asked to wait, a quiet one is not."""

import math
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Final

from api.errors import TooOften
from domain.shared.refusals import Refused

MOST_IN_HAND: Final = 5_000
"""Events of one key that may be between reading and answering, in this process."""


class Busy(Refused):
    """More comes in than can be written down; send it again in a moment."""


class ShareFull(Busy):
    """More comes with this key than its share of what can be written down; send it again."""


class Shares:
    """Counts what is in hand, by key. From one thread."""

    def __init__(self, most: int = MOST_IN_HAND) -> None:
        self._most = most
        self._held: dict[Hashable, int] = {}

    def check(self, key: Hashable, events: int) -> None:
        """Raise ShareFull when a key has no room for more; one request always has."""
        held = self._held.get(key, 0)
        if held and held + events > self._most:
            raise ShareFull

    @contextmanager
    def held(self, key: Hashable, events: int) -> Iterator[None]:
        """Hold events until they are answered. Raises ShareFull."""
        events = max(events, 1)  # an empty request is in hand too
        self.check(key, events)
        self._held[key] = self._held.get(key, 0) + events
        try:
            yield
        finally:
            self._held[key] -= events
            if not self._held[key]:
                del self._held[key]


class Paces:
    """Counts what each key with a limit does in a minute: a bucket that fills up evenly.

    For this process alone; from one thread.
    """

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._left: dict[Hashable, tuple[float, float]] = {}

    def take(self, key: Hashable, per_minute: int, count: int = 1) -> None:
        """Take from a key's bucket, or raise TooOften.

        What is more than a whole bucket is taken from a full one, and waited for afterwards.
        """
        now = self._steady()
        left, at = self._left.get(key, (float(per_minute), now))
        left = min(left + (now - at) * per_minute / 60, per_minute)
        missing = min(count, per_minute) - left
        if missing > 0:
            self._left[key] = left, now
            seconds = math.ceil(missing * 60 / per_minute)
            raise TooOften(per_minute=per_minute, seconds=seconds)
        self._left[key] = left - count, now
