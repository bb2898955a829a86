"""Follows the log for the library `eventsourcing`: what is there, then what comes."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from eventsourcing.persistence import ApplicationRecorder, Notification, Subscription

from infra.postgres import Connection

_AT_ONCE: Final = 500
_LOOK_SECONDS: Final = 0.5
"""How often the log is looked at when nobody notifies, and how soon a stop is noticed."""


class LogSubscription(Subscription[ApplicationRecorder]):
    """Yields notifications in order, none left out, and waits for more until it is stopped."""

    def __init__(
        self,
        recorder: ApplicationRecorder,
        listen: Callable[[], Connection],
        gt: int | None,
        topics: Sequence[str],
    ) -> None:
        """`listen` opens a connection that hears of each commit."""
        super().__init__(recorder, gt, topics)
        self._seen = gt or 0
        self._listen = listen
        self._hearing: Connection | None = None
        self._ready: deque[Notification] = deque()
        self._in_use = threading.Lock()

    def stop(self) -> None:
        """Yield nothing more. From another thread too: a wait ends within half a second."""
        super().stop()
        if self._in_use.acquire(blocking=False):
            try:
                self._hang_up()
            finally:
                self._in_use.release()

    def __next__(self) -> Notification:
        with self._in_use:
            try:
                while not self._has_been_stopped:
                    if not self._ready:
                        self._look()
                    else:
                        return self._ready.popleft()
            except BaseException:
                self._hang_up()
                raise
            self._hang_up()
            raise StopIteration

    def _look(self) -> None:
        """Take what is there, or wait a moment for more."""
        head = self._recorder.max_notification_id() or 0
        if head > self._seen:
            found = self._recorder.select_notifications(
                self._seen, _AT_ONCE, head, self._topics, inclusive_of_start=False
            )
            self._ready.extend(found)
            # nothing will come at or below the head any more, of whatever topic
            self._seen = found[-1].id if len(found) == _AT_ONCE else head
        elif self._hearing is None:
            self._hearing = self._listen()  # and look again: it may have come meanwhile
        else:
            for _ in self._hearing.notifies(timeout=_LOOK_SECONDS, stop_after=1):
                pass

    def _hang_up(self) -> None:
        if self._hearing is not None:
            self._hearing.close()
            self._hearing = None
