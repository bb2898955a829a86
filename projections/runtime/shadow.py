"""The generation that is being built, while it catches up with the one that is served."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from msgspec.structs import replace

from domain.customer.events import CustomerErased
from domain.shared.log import Reader
from domain.shared.personal import Sealer
from projections.projection import View
from projections.runtime.batch import Goal, Place
from projections.runtime.compare import (
    Compared,
    Differences,
    Standing,
    StoredRows,
    side_by_side,
)
from projections.runtime.live import LiveView
from projections.runtime.sweep import Sweeper

BATCH: Final = 5_000
NEAR: Final = 1_000
"""The new generation is swapped in when it is at most so many facts behind."""

Connection = psycopg.Connection[Any]


class Shadow(LiveView):
    """A generation that nobody is answered from yet."""

    def __init__(
        self, connection: Connection, view: View, sealer: Sealer, reader: Reader, slots: int
    ) -> None:
        super().__init__(connection, view, sealer, reader, slots)
        self._reader = reader
        self.erased: Final[set[UUID]] = set()
        """Who was forgotten while it was made: what was sealed of them opens no more."""

    def bring(self, goals: Mapping[int, Goal]) -> None:
        """Bring slots to their goals exactly, and sweep what is due then."""
        while True:
            places = self.places(goals)
            behind = {s: g for s, g in goals.items() if places[s].position < g.position}
            if not behind:
                break
            facts = self._reader.read(min(places[s].position for s in behind), BATCH)
            last = facts[-1]
            for fact in facts:
                if isinstance(fact.event, CustomerErased):
                    self.erased.update(fact.event.identities)
            step = {
                s: g
                if last.position >= g.position
                else Goal(position=last.position, clock=last.recorded_at)
                for s, g in behind.items()
                if last.position > places[s].position
            }
            self.apply(facts, {s: places[s] for s in step}, step)
        later = {s: g for s, g in goals.items() if g.clock > self.places([s])[s].clock}
        if later:
            self.apply((), self.places(later), later)
        sweeper = Sweeper(self._connection, self)
        places = self.places(goals)
        while sweeper.walk(places) or sweeper.sweep(places):
            pass

    def follow(self) -> None:
        """Come near to the log's head."""
        while True:
            place = min(p.position for p in self.places(range(self.slots)).values())
            head = self._reader.head()
            self.bring(
                {
                    slot: Goal(position=max(p.position, head.position), clock=head.clock)
                    for slot, p in self.places(range(self.slots)).items()
                }
            )
            if head.position - place <= NEAR:
                return

    def compare(self, stored: StoredRows, places: Mapping[int, Place]) -> Compared:
        """Compare all rows with those of a snapshot that is at the same positions."""
        mine = StoredRows(self._connection, self.view, self.generation.schema, self._sealer)
        everywhere = range(self.slots)
        own = self.places(everywhere)
        clocks = {s: max(p.clock, own[s].clock) for s, p in places.items()}
        ours = Standing(self.view, _at(own, clocks), self.slots)
        theirs = Standing(self.view, _at(places, clocks), self.slots)
        differences = Differences()
        with self._connection.transaction():
            for one, other in side_by_side(
                map(theirs.settle, stored.each(everywhere, self.slots)),
                map(ours.settle, mine.each(everywhere, self.slots)),
            ):
                differences.compare(one, other, self.view.tables)
        return Compared(
            rows=differences.rows, different=differences.count, differences=differences.first
        )


def _at(places: Mapping[int, Place], clocks: Mapping[int, datetime]) -> dict[int, Place]:
    """Return the places with other clocks."""
    return {slot: replace(place, clock=clocks[slot]) for slot, place in places.items()}
