"""Proof that a live view equals a replay of the log up to the checkpoints of one snapshot."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from domain.shared.depth import Depth
from domain.shared.hands import hand_of, hands_for
from domain.shared.log import Reader
from domain.shared.personal import Sealer
from projections.projection import View, slot_of
from projections.rows import Rows
from projections.runtime.batch import Place
from projections.runtime.compare import (
    Difference,
    Differences,
    Standing,
    StoredRows,
    side_by_side,
)
from projections.runtime.live import LiveView
from projections.runtime.replay import Replay


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
            standing = Standing(view, places, self._slots)
            stored = StoredRows(self._connection, view, live.generation.schema, self._sealer)
            together = self._together(places)
            for done, (position, slots) in enumerate(together.items()):

                def told(share: float, done: int = done) -> None:
                    progress((done + share) / len(together))

                for one, other in side_by_side(
                    map(standing.settle, stored.each(slots, self._slots)),
                    map(standing.settle, self._replayed(position, slots, told)),
                ):
                    differences.compare(one, other, view.tables)
            progress(1.0)
            for table, wrong in view.totals.items():
                differences.miscounted(self._connection, live.generation.schema, table, wrong)
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

    @staticmethod
    def _together(places: Mapping[int, Place]) -> Mapping[int, Sequence[int]]:
        """Return the slots that are at each position: those are replayed by one scan."""
        at: dict[int, list[int]] = {}
        for slot, place in places.items():
            at.setdefault(place.position, []).append(slot)
        return at

    def _replayed(
        self, position: int, slots: Sequence[int], progress: Callable[[float], None]
    ) -> Iterator[Rows]:
        """Yield everybody's rows as of a position, in order of subjects; few are held at once."""
        hands = hands_for(position * len(slots) // self._slots)
        mine = set(slots)
        dealt = self._reader.deal(
            slots, self._slots, hands=hands, upto=position, depths=self._depths
        )
        for hand, chunks in enumerate(dealt):
            replay = Replay(self._view, blind=self._sealer.blind)
            shared = 0

            def is_mine(subject: UUID, hand: int = hand) -> bool:
                return slot_of(subject, self._slots) in mine and hand_of(subject, hands) == hand

            for chunk in chunks:
                nobodys = sum(customer is None for customer, _ in chunk)  # they are in every hand
                shared += nobodys
                self._facts += len(chunk) - nobodys
                replay.fold_all(chunk, is_mine)
                progress((hand + chunk[-1][1].position / position) / hands)
            self._shared = max(self._shared, shared)
            yield from sorted(replay.rows.values(), key=lambda rows: rows.subject.int)
