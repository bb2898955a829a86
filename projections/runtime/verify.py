"""Proof that a live view equals a replay of the log up to the checkpoints of one snapshot."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from domain.shared.depth import Depth
from domain.shared.log import Reader
from domain.shared.personal import Sealer
from projections.projection import View, slot_of
from projections.rows import Rows
from projections.runtime.batch import Place
from projections.runtime.compare import Difference, Differences, Standing, StoredRows
from projections.runtime.live import LiveView
from projections.runtime.replay import Replay

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
        # even those that are not its own are counted
        self._depths = {n: max(depth, Depth.KIND) for n, depth in view.depths().items()}
        self._facts = 0
        self._shared = 0

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
            standing = Standing(view, places, self._slots)
            stored = StoredRows(self._connection, view, live.generation.schema, self._sealer)
            for done, (position, slots) in enumerate(groups):
                replayed = self._replayed(position, slots)
                for rows in stored.each(slots, self._slots):
                    other = replayed.pop(rows.subject, None)
                    again = other and standing.settle(other)
                    differences.compare(standing.settle(rows), again, view.tables)
                for other in replayed.values():
                    differences.compare(None, standing.settle(other), view.tables)
                progress((done + 1) / len(groups))
        return Report(
            view=view.name,
            version=view.version,
            position=min(p.position for p in places.values()),
            clock=min(p.clock for p in places.values()),
            facts=self._facts + self._shared,
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

    def _replayed(self, position: int, slots: Sequence[int]) -> dict[UUID, Rows]:
        replay = Replay(self._view, blind=self._sealer.blind)
        mine = set(slots)
        shared = 0
        for chunk in self._reader.scan(slots, self._slots, upto=position, depths=self._depths):
            nobodys = sum(customer is None for customer, _ in chunk)  # every group replays them
            shared += nobodys
            self._facts += len(chunk) - nobodys
            replay.fold_all(chunk, lambda s: self._slot(s) in mine)
        self._shared = max(self._shared, shared)
        return replay.rows

    def _slot(self, subject: UUID) -> int:
        return slot_of(subject, self._slots)
