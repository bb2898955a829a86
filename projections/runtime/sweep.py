"""The sweeper: lets time pass for rows whose hour has come, a thousand at a time."""

from collections.abc import Iterable, Mapping
from time import monotonic
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

from projections.projection import slot_of
from projections.runtime.batch import Place
from projections.runtime.live import FIRST, LiveView

BATCH: Final = 1_000
WALK_SECONDS: Final = 0.1
"""So long a walk goes on before new facts have their turn."""

_DUE: Final = (
    "select {subject} from {table} where {hour} <= %(clock)s and {column} <= %(clock)s "
    "and (%(all)s or views.slot_of({subject}, %(of)s) = any(%(slots)s)) "
    "order by {hour} limit %(limit)s"
)
_NEXT: Final = (
    "select {subject} from {table} where {subject} > %(after)s and not ({constant}) "
    "and (%(all)s or views.slot_of({subject}, %(of)s) = any(%(slots)s)) "
    "order by {subject} limit %(limit)s"
)


class Sweeper:
    """Sweeps slots of one live view; the clock is the slots' own, never ahead of their facts."""

    def __init__(self, connection: psycopg.Connection[Any], live: LiveView) -> None:
        self._connection = connection
        self._live = live

    def sweep(self, places: Mapping[int, Place]) -> int:
        """Settle up to a thousand due subjects; return how many rows changed (0: none was due).

        Raises Moved and Poisoned as a batch does.
        """
        if self._live.view.due is None:
            return 0
        by_clock: dict[Any, list[int]] = {}
        for slot, place in places.items():
            by_clock.setdefault(place.clock, []).append(slot)
        changed = 0
        for clock, slots in by_clock.items():
            due = self._ask(_DUE, slots, clock=clock)
            if due:
                changed += self._live.settle(due, self._of(due, places))
        return changed

    def walk(self, places: Mapping[int, Place]) -> int:
        """Go on, for a moment, with walks over all rows, begun when what they share changed.

        Return how many steps of a thousand rows were made, 0 when no walk is left.
        """
        if self._live.view.due is None:
            return 0
        until = monotonic() + WALK_SECONDS
        steps = 0
        while walks := self._walks(places):
            for after, slots in walks.items():
                subjects = self._ask(_NEXT, slots, after=after)
                reached = subjects[-1] if len(subjects) == BATCH else None
                self._live.settle(
                    subjects, {s: places[s] for s in slots}, dict.fromkeys(slots, reached)
                )
                steps += 1
            if monotonic() > until:
                break
        return steps

    def _walks(self, slots: Iterable[int]) -> dict[UUID, list[int]]:
        walks: dict[UUID, list[int]] = {}
        for slot, walked in self._connection.execute(
            "select slot, walked from views.checkpoint "
            "where (view, version, generation) = (%s, %s, %s) "
            "and slot = any(%s) and walked is not null",
            (*self._live.generation.key, list(slots)),
        ):
            walks.setdefault(walked or FIRST, []).append(slot)
        return walks

    def _of(self, subjects: Iterable[UUID], places: Mapping[int, Place]) -> dict[int, Place]:
        slots = {slot_of(subject, self._live.slots) for subject in subjects}
        return {slot: places[slot] for slot in slots}

    def _ask(self, text: LiteralString, slots: list[int], **about: Any) -> list[UUID]:
        assert self._live.view.due is not None
        table, column = self._live.view.due
        statement = sql.SQL(text).format(
            table=sql.Identifier(self._live.generation.schema, table.name),
            subject=sql.Identifier(table.key[0]),
            column=sql.Identifier(column),
            hour=sql.Identifier(self._live.view.due_hour or column),
            constant=sql.SQL(self._live.view.constant),
        )
        asked = {
            "of": self._live.slots,
            "slots": slots,
            "all": len(slots) == self._live.slots,
            "limit": BATCH,
        }
        cursor = self._connection.cursor(binary=True)
        return [row[0] for row in cursor.execute(statement, {**asked, **about})]
