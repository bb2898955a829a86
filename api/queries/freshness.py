"""How far each view has come, and waiting until it has come far enough."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from api.errors import NotBegun, NotThereYet, OtherVersion
from infra.postgres import Connection
from infra.reading import Readers
from projections.catalogue import VIEWS

PATIENCE: Final = 5.0
"""Seconds that a query waits for its view."""

_HELD_SECONDS: Final = 0.1
_LOOK_AGAIN_SECONDS: Final = 0.02


class Fresh(msgspec.Struct, frozen=True, kw_only=True):
    """Every fact up to `position` is in the view, and every later one is younger than `clock`."""

    position: int
    clock: datetime


class Freshness:
    """Asks the views' database at most every 20 ms, however many requests wait."""

    def __init__(
        self,
        readers: Readers,
        now: Callable[[], datetime],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._readers = readers
        self._now = now
        self._steady = steady
        self._held: Mapping[str, Fresh] = {}
        self._outdated: Mapping[str, int] = {}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def reach(self, views: tuple[str, ...], position: int | None) -> Fresh:
        """Return how far all of these views are, once at a position.

        Raises NotThereYet; NotBegun when there is nothing to wait for; OtherVersion when a view
        is kept by other rules than this program's, whose tables may be others too.
        """
        wanted = position or 0
        deadline = self._steady() + PATIENCE
        found = await self._known(views, _HELD_SECONDS)
        if found is None and not wanted:
            raise NotBegun(view=" and ".join(views))
        while found is None or found.position < wanted:
            if self._steady() >= deadline:
                at = found.position if found else 0
                raise NotThereYet(view=" and ".join(views), position=at, wanted=wanted)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            found = await self._known(views, _LOOK_AGAIN_SECONDS)
        return found

    def headers(self, fresh: Fresh) -> dict[str, str]:
        """Say how fresh an answer is."""
        age = max((self._now() - fresh.clock).total_seconds(), 0.0)
        return {"X-View-Position": str(fresh.position), "X-View-Age": f"{age:.3f}"}

    async def _known(self, views: tuple[str, ...], oldest: float) -> Fresh | None:
        if self._steady() - self._read_at > oldest:
            if self._reading is None:
                self._reading = asyncio.ensure_future(self._read())
                self._reading.add_done_callback(self._done)
            await asyncio.shield(self._reading)
        found = [self._held[view] for view in views if view in self._held]
        if len(found) == len(views):
            return _last(found)
        for view in views:
            if view in self._outdated:
                kept, version = self._outdated[view], VIEWS[view].version
                raise OtherVersion(view=view, kept=kept, version=version)
        return None

    def _done(self, task: asyncio.Task[None]) -> None:
        self._reading = None
        if not task.cancelled():
            task.exception()  # those who wait have it

    async def _read(self) -> None:
        asked_at = self._steady()
        found = await self._readers.ask(_look)
        self._held = {v: fresh for v, (n, fresh) in found.items() if n == VIEWS[v].version}
        self._outdated = {v: n for v, (n, _) in found.items() if v not in self._held}
        self._read_at = asked_at


def _last(several: list[Fresh]) -> Fresh:
    if len(several) == 1:
        return several[0]
    return Fresh(
        position=min(fresh.position for fresh in several),
        clock=min(fresh.clock for fresh in several),
    )


def _look(connection: Connection) -> Mapping[str, tuple[int, Fresh]]:
    rows = connection.execute("select view, version, position, clock from huike.freshness")
    return {
        view: (version, Fresh(position=position, clock=clock))
        for view, version, position, clock in rows
        if view in VIEWS
    }
