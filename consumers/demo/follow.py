"""Watches how far the views have come, until they have everything."""

import threading
from contextlib import closing

import psycopg
from rich.progress import Progress

from infra.event_store import LogReader
from infra.postgres import READER, connect
from infra.settings import Settings

_LOOK_SECONDS = 0.25


class Follower(threading.Thread):
    """Shows how far the views have come; `finish` waits until they have everything."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        super().__init__(name="follower", daemon=True)
        self._settings = settings
        self._progress = progress
        self._task = progress.add_task("facts in every view", total=None)
        self._leave = threading.Event()
        self._all_sent = threading.Event()
        self._caught_up = threading.Event()

    def run(self) -> None:
        while not (self._leave.is_set() or self._caught_up.is_set()):
            try:
                self._follow()
            except psycopg.OperationalError:  # it is started again
                self._leave.wait(1)

    def _follow(self) -> None:
        log_url, views_url = self._settings.log_url, self._settings.views_or_log_url
        assert log_url is not None
        assert views_url is not None
        with (
            closing(LogReader(log_url, None, pool_size=1)) as reader,
            connect(views_url, READER) as views,
        ):
            while not self._leave.wait(_LOOK_SECONDS):
                all_sent = self._all_sent.is_set()
                head = reader.head().position
                row = views.execute("select min(position) from huike.checkpoint").fetchone()
                done = row[0] or 0 if row else 0
                self._progress.update(self._task, completed=done, total=head)
                if all_sent and done >= head:
                    self._caught_up.set()
                    return

    def finish(self, stop: threading.Event) -> None:
        """Wait until the views have everything that was sent, or `stop` is set."""
        self._all_sent.set()
        while not (self._caught_up.wait(0.1) or stop.is_set()):
            pass

    def leave(self) -> None:
        """Watch no longer."""
        self._leave.set()
        self.join()
