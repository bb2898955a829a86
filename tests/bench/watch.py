"""Watches how far the views are, so that it can be told when each fact was there to be read."""

import time
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from threading import Event, Thread
from typing import Final, Self

import psycopg

from infra.postgres import READER, connect

_LOOK_SECONDS: Final = 0.004
_ASKED: Final = """
select view, array_agg(position order by slot) from huike.checkpoint
where view = any(%s) group by view
"""


class Watch:
    """From entering to leaving, notes when each slot of these views had which position.

    A checkpoint is committed with the rows: who reads them from then on reads the fact.
    """

    def __init__(self, url: str, views: Sequence[str]) -> None:
        self._url = url
        self._views = list(views)
        self._done = Event()
        self._thread = Thread(target=self._look)
        self._at: list[float] = []
        self._positions: list[list[int]] = []
        """By slot: the positions at those instants, the lowest of all views."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        with connect(self._url, READER) as connection:
            while not self._done.wait(_LOOK_SECONDS):
                with suppress(psycopg.errors.UndefinedTable):
                    found = connection.execute(_ASKED, (self._views,), binary=True).fetchall()
                    self._note([positions for _, positions in found])

    def _note(self, of_views: list[list[int]]) -> None:
        if len(of_views) < len(self._views):
            return
        lowest = of_views[0] if len(of_views) == 1 else list(map(min, *of_views))
        if not self._positions:
            self._positions = [[] for _ in lowest]
        self._at.append(time.monotonic())
        for held, position in zip(self._positions, lowest, strict=True):
            held.append(position)

    def reached(self, slot: int, position: int) -> float | None:
        """Return when (by `time.monotonic`) a slot had a position; None: it did not."""
        place = bisect_left(self._positions[slot], position)
        return self._at[place] if place < len(self._at) else None

    def everywhere(self, position: int) -> bool:
        """Say whether every slot has come to a position."""
        return bool(self._positions) and all(held[-1] >= position for held in self._positions)
