"""Keeping a view live: each batch is one transaction of rows and checkpoints."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from psycopg.pq import TransactionStatus

from domain.shared.events import Fact
from domain.shared.log import Reader
from domain.shared.personal import Sealer
from projections.projection import View
from projections.runtime import schema
from projections.runtime.batch import Batch, Folded, Goal, Place
from projections.runtime.changes import Changes
from projections.runtime.folding import Folder
from projections.runtime.schema import Generation
from projections.runtime.store import Store

Connection = psycopg.Connection[Any]

FIRST: Final = UUID(int=0)
"""Where a walk over all rows begins."""

_IN_ERROR: Final = TransactionStatus.INERROR
_OUTRUN: Final = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)

_PLACES: Final = (
    "select slot, position, clock, shared from views.checkpoint "
    "where (view, version, generation) = (%s, %s, %s) and slot = any(%s) order by slot"
)


class Moved(Exception):
    """Somebody else moved these slots, or another generation is served: look again."""


class Outdated(Exception):
    """The version that is served is not the one that this program knows: a rebuild is needed."""


class Applied(msgspec.Struct, frozen=True):
    """What a batch did."""

    facts: int
    written: int
    places: dict[int, Place]


class LiveView:
    """One view over one connection (autocommit, role `huike_views`), for the slots it is given."""

    def __init__(
        self, connection: Connection, view: View, sealer: Sealer, reader: Reader, slots: int
    ) -> None:
        self.view = view
        self.slots = slots
        self._connection = connection
        self._sealer = sealer
        self._folder = Folder(view, slots, self._past(reader), sealer.blind)
        self._generation: Generation | None = None
        self._serving = True
        self._store: Store | None = None

    @staticmethod
    def _past(reader: Reader) -> Any:
        def past(identities: Collection[UUID], position: int) -> Sequence[Fact]:
            return reader.of_origins([*identities], upto=position)

        return past

    @property
    def generation(self) -> Generation:
        assert self._generation is not None
        return self._generation

    def attach(self, generation: Generation | None = None, *, prepare: bool = True) -> None:
        """Turn to the generation that is served, or to one that is being built. Raises Outdated.

        `prepare`: for writing; without it, places can be asked for.
        """
        self._store = None
        found = generation or schema.active(self._connection, self.view.name)
        if found is None or (generation is None and found.version != self.view.version):
            raise Outdated(self.view.name)
        self._generation, self._serving = found, generation is None
        if prepare:
            self._store = Store(self._connection, self.view, found.schema, self._sealer)

    def places(self, slots: Iterable[int]) -> dict[int, Place]:
        """Return how far slots have come."""
        cursor = self._connection.cursor(binary=True)
        known: dict[bytes, Any] = {}
        places = {}
        for slot, position, clock, stored in cursor.execute(
            _PLACES, (*self.generation.key, list(slots))
        ):
            if stored not in known:
                known[stored] = schema.decode_shared(self.view, stored)
            places[slot] = Place(position=position, clock=clock, shared=known[stored])
        return places

    def goals(self) -> dict[int, Goal]:
        """Return where every slot is, as a goal for another generation, of another version even."""
        cursor = self._connection.cursor(binary=True)
        cursor.execute(_PLACES, (*self.generation.key, list(range(self.slots))))
        return {slot: Goal(position=at, clock=clock) for slot, at, clock, _shared in cursor}

    def apply(
        self, facts: Sequence[Fact], places: Mapping[int, Place], goals: Mapping[int, Goal]
    ) -> Applied:
        """Bring slots from their places to their goals, with the facts between, in one transaction.

        Facts that a slot has seen are skipped. Raises Moved when the slots are not at `places` any
        more, Poisoned when the view cannot fold a fact; then nothing has changed.
        """
        try:
            return self._apply(Batch(facts=facts, places=places, goals=goals), trusting=True)
        except psycopg.errors.UniqueViolation:  # a row that was taken for new
            return self._apply(Batch(facts=facts, places=places, goals=goals), trusting=False)

    def settle(
        self,
        due: Iterable[UUID],
        places: Mapping[int, Place],
        walked: Mapping[int, UUID | None] | None = None,
    ) -> int:
        """Let time pass for these subjects up to their slots' clocks, in one transaction.

        `walked`: how far a walk over all rows of these slots has come (None: to the end).
        """
        goals = {s: Goal(position=p.position, clock=p.clock) for s, p in places.items()}
        batch = Batch(facts=(), places=places, goals=goals, due=due)
        return self._apply(batch, trusting=True, walked=walked or {}).written

    def _apply(
        self, batch: Batch, *, trusting: bool, walked: Mapping[int, UUID | None] | None = None
    ) -> Applied:
        store = self._store
        assert store is not None
        try:
            folded = self._folder.fold(store, batch)
            if walked is None:
                walked = {
                    slot: FIRST
                    for slot, place in folded.places.items()
                    if self.view.due and place.shared is not batch.places[slot].shared
                }
            written = self._write(store, batch.places, folded, walked, trusting=trusting)
        except BaseException as error:
            store.forget()
            if isinstance(error, psycopg.OperationalError):
                if isinstance(error, _OUTRUN):
                    raise Moved(self.view.name) from error
            elif isinstance(error, Exception):
                self._guard(batch.places)  # it may come of rows that are others' already
            raise
        if not any(walked.values()):  # a walk would put everything else out of memory
            store.keep(folded.rows.values())
        return Applied(folded.facts, written, folded.places)

    def _write(
        self,
        store: Store,
        places: Mapping[int, Place],
        folded: Folded,
        walked: Mapping[int, UUID | None],
        *,
        trusting: bool,
    ) -> int:
        """Write rows and places in one transaction; return how many rows.

        Nothing was locked while the rows were read: that the slots are where they were taken to be
        is asked here, before anything is written.
        """
        changes = Changes(
            folded.rows.values(),
            trusting=trusting,
            whole=self.view.due is not None,  # a sweep moves no slot: another's may be unknown here
        )
        if not changes.count and not walked:
            self._advance(places, folded.places)
            return 0
        with self._together(changes):
            self._advance(places, folded.places)
            store.write(changes)
            self._save_walk(walked)
        return changes.count

    def _advance(self, places: Mapping[int, Place], now: Mapping[int, Place]) -> None:
        schema.advance(self._connection, self.generation, places, now, serving=self._serving)

    @contextmanager
    def _together(self, changes: Changes) -> Iterator[None]:
        """Open a transaction; if nothing is copied, send all of it at once."""
        connection = self._connection
        try:
            with ExitStack() as stack:
                if not changes.are_copied:
                    stack.enter_context(connection.pipeline())
                stack.enter_context(connection.transaction())
                yield
        finally:
            if not connection.closed and connection.info.transaction_status == _IN_ERROR:
                connection.rollback()  # the commit was in the pipeline, behind what failed

    def _guard(self, places: Mapping[int, Place]) -> None:
        """Raise Moved if the slots are not there any more, or the generation is not served."""
        if self._serving and schema.active(self._connection, self.view.name) != self.generation:
            raise Moved(self.view.name)
        found = self.places(places)
        if any(
            slot not in found
            or found[slot].position != place.position
            or found[slot].clock != place.clock
            for slot, place in places.items()
        ):
            raise Moved(self.view.name)

    def _save_walk(self, walked: Mapping[int, UUID | None]) -> None:
        if walked:
            self._connection.execute(
                "update views.checkpoint c set walked = w.walked "
                "from unnest(%s::int[], %s::uuid[]) w(slot, walked) "
                "where (view, version, generation) = (%s, %s, %s) and c.slot = w.slot",
                (list(walked), list(walked.values()), *self.generation.key),
            )
