"""Proof that a live view equals a replay of the log up to the checkpoints of one snapshot."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from domain.shared.log import Reader
from domain.shared.personal import Sealer
from projections.projection import View, slot_of
from projections.runtime.batch import Place
from projections.runtime.compare import Difference, Differences, StoredRows, settled
from projections.runtime.live import LiveView
from projections.runtime.replay import Replay, Tables, tables_of
from projections.runtime.schema import Generation

GROUPS = 8
"""Parts in which slots are compared, so that not all rows are in memory at once."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a verification found. Equal when `different` is 0; `differences` are the first few."""

    view: str
    version: int
    position: int
    clock: datetime
    facts: int
    rows: int
    different: int
    differences: Sequence[Difference]


class Verifier:
    """Verifies one view; the connection is in autocommit, in the role `huike_views`."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        view: View,
        sealer: Sealer,
        reader: Reader,
        slots: int,
    ) -> None:
        self._connection = connection
        self._view = view
        self._sealer = sealer
        self._reader = reader
        self._slots = slots
        self._facts = 0

    def verify(self, progress: Callable[[float], None] = lambda _share: None) -> Report:
        """Compare the served rows with a replay; both settled to their slots' clocks."""
        view = self._view
        live = LiveView(self._connection, view, self._sealer, self._reader, self._slots)
        with self._connection.transaction():
            self._connection.execute("set transaction isolation level repeatable read, read only")
            self._connection.execute("set local idle_in_transaction_session_timeout to 0")
            live.attach(prepare=False)
            places = live.places(range(self._slots))
            differences = Differences()
            groups = self._groups(places)
            for done, (position, slots) in enumerate(groups):
                stored = self._stored(live.generation, slots, places)
                differences.compare(stored, self._replayed(position, slots, places))
                progress((done + 1) / len(groups))
        return Report(
            view=view.name,
            version=view.version,
            position=min(p.position for p in places.values()),
            clock=min(p.clock for p in places.values()),
            facts=self._facts,
            rows=differences.rows,
            different=differences.count,
            differences=differences.first,
        )

    def _groups(self, places: Mapping[int, Place]) -> list[tuple[int, list[int]]]:
        """Put slots together that are at the same position, an eighth of all at most."""
        at: dict[int, list[int]] = {}
        for slot, place in places.items():
            at.setdefault(place.position, []).append(slot)
        size = max(1, self._slots // GROUPS)
        return [
            (position, slots[i : i + size])
            for position, slots in at.items()
            for i in range(0, len(slots), size)
        ]

    def _stored(
        self, generation: Generation, slots: Sequence[int], places: Mapping[int, Place]
    ) -> Tables:
        reading = StoredRows(self._connection, self._view, generation.schema, self._sealer)
        everybody = reading.of(slots, self._slots, lambda s: places[self._slot(s)].shared)
        return settled(self._view, everybody.values(), lambda s: places[self._slot(s)].clock)

    def _replayed(self, position: int, slots: Sequence[int], places: Mapping[int, Place]) -> Tables:
        replay = Replay(self._view, blind=self._sealer.blind)
        mine = set(slots)
        for chunk in self._reader.scan(slots, self._slots, upto=position):
            self._facts += len(chunk)
            for customer, fact in chunk:
                replay.fold(customer, fact, lambda s: self._slot(s) in mine)
        for rows in replay.rows.values():
            rows.shared = replay.shared
            self._view.settle(rows, places[self._slot(rows.subject)].clock)
        return tables_of(self._view, replay.rows.values())

    def _slot(self, subject: UUID) -> int:
        return slot_of(subject, self._slots)
