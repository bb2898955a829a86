"""A live batch: new facts folded into the rows that they touch, whatever the store."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from domain.customer.events import KnownByAnotherId, VisitorRecognised
from domain.shared.events import Fact
from projections.projection import View, slot_of
from projections.rows import Key, NotLoaded, Rows, Table
from projections.runtime.replay import Blind, fold_past

ESCALATE = 2  # how often a subject's single rows of a table are read before all of them are

Past = Callable[[UUID, int], Sequence[Fact]]
"""The facts, up to a position, that began with an identity."""


Wanted = tuple[UUID, Table[Any], Key | None]
"""Rows of a subject that a fold asks for: one, or (None) all that it has in a table."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far a slot's rows have come: position, clock, and what its rows share."""

    position: int
    clock: datetime
    shared: Any


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """How far a slot is to go: facts up to `position` are there, later ones come after `clock`."""

    position: int
    clock: datetime


class Store(Protocol):
    """Where rows are between batches."""

    def open(self, subjects: Collection[UUID]) -> dict[UUID, Rows]:
        """Return the subjects' rows, eager tables loaded; one without a root row is complete."""

    def load(self, rows: Mapping[UUID, Rows], wanted: Iterable[Wanted]) -> None:
        """Load single rows, or (key None) all that a subject has in a table."""


class Poisoned(Exception):
    """A fold failed on a fact (None: on the passing of time)."""

    def __init__(self, slot: int, subject: UUID, fact: Fact | None, cause: Exception) -> None:
        self.slot = slot
        self.subject = subject
        self.fact = fact
        self.cause = cause
        super().__init__(f"{type(cause).__name__}: {cause}")


class Folded(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch comes to: touched rows, not yet written, and the slots' new places."""

    rows: dict[UUID, Rows]
    places: dict[int, Place]
    facts: int


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Facts in order of position, and from where to where they bring which slots.

    `due`: subjects for whom time passes without a fact.
    """

    facts: Sequence[Fact]
    places: Mapping[int, Place]
    goals: Mapping[int, Goal]
    due: Iterable[UUID] = ()


class Folder:
    """Folds batches of one view, of so many slots."""

    def __init__(self, view: View, slots: int, past: Past, blind: Blind) -> None:
        self.view = view
        self.slots = slots
        self._past = past
        self._blind = blind

    def fold(self, store: Store, batch: Batch) -> Folded:
        """Fold what lies between places and goals, and let time pass for whom it touches.

        What a slot has seen, or is not to see yet, is skipped. Raises Poisoned when the view fails.
        """
        shares = _Shares(self.view, batch)
        work, slot_at, count = self._work(batch)
        past = _once(self._past)
        rows = _Folding(self.view, shares, batch.goals, past, self._blind).run(store, work, slot_at)
        return Folded(
            rows=rows,
            facts=count,
            places={
                slot: Place(position=goal.position, clock=goal.clock, shared=shares.last(slot))
                for slot, goal in batch.goals.items()
            },
        )

    def _work(self, batch: Batch) -> tuple[dict[UUID, list[Fact]], dict[UUID, int], int]:
        subject_of, places, goals, slots = (
            self.view.subject_of,
            batch.places,
            batch.goals,
            self.slots,
        )
        work: dict[UUID, list[Fact]] = {subject: [] for subject in batch.due}
        slot_at = {subject: slot_of(subject, slots) for subject in work}
        count = 0
        for fact in batch.facts:
            subject = subject_of(fact)
            if subject is None:
                continue
            slot = slot_at.get(subject)
            if slot is None:
                slot = slot_at[subject] = slot_of(subject, slots)
            goal = goals.get(slot)
            if goal is not None and places[slot].position < fact.position <= goal.position:
                work.setdefault(subject, []).append(fact)
                count += 1
        return work, slot_at, count


class _Shares:
    """What a slot's rows share, at each position of the batch."""

    def __init__(self, view: View, batch: Batch) -> None:
        nobodys = [f for f in batch.facts if f.subject is None]
        self._of: dict[int, list[tuple[int, Any]]] = {}
        for slot, goal in batch.goals.items():
            place = batch.places[slot]
            shared = place.shared
            timeline = [(0, shared)]
            for fact in nobodys:
                if place.position < fact.position <= goal.position:
                    now = view.share(shared, fact)
                    if now is not shared:
                        timeline.append((fact.position, now))
                        shared = now
            self._of[slot] = timeline

    def last(self, slot: int) -> Any:
        return self._of[slot][-1][1]

    def at(self, slot: int, position: int) -> Any:
        """Return what was shared once the fact at `position` had been folded."""
        return next(s for p, s in reversed(self._of[slot]) if p <= position)

    def steady(self, slot: int) -> bool:
        return len(self._of[slot]) == 1


class _Folding:
    """One batch being folded."""

    def __init__(
        self,
        view: View,
        shares: _Shares,
        goals: Mapping[int, Goal],
        past: Past,
        blind: Blind,
    ) -> None:
        self._view = view
        self._shares = shares
        self._goals = goals
        self._past = past
        self._blind = blind

    def run(
        self, store: Store, work: dict[UUID, list[Fact]], slot_at: Mapping[UUID, int]
    ) -> dict[UUID, Rows]:
        rows = store.open(work)
        foreseen = {
            (subject, table, key)
            for subject, facts in work.items()
            for fact in facts
            for table, key in self._view.wanted(fact)
        }
        if foreseen:
            store.load(rows, foreseen)
        asked: dict[tuple[UUID, Table[Any]], int] = {}
        while work:
            again: dict[UUID, list[Fact]] = {}
            missing: list[Wanted] = []
            for subject, facts in work.items():
                try:
                    self._one(rows[subject], slot_at[subject], facts)
                except NotLoaded as lack:
                    rows[subject].forget_changes()
                    times = asked[subject, lack.table] = asked.get((subject, lack.table), 0) + 1
                    key = lack.key if times <= ESCALATE else None
                    missing.append((subject, lack.table, key))
                    again[subject] = facts
            if missing:
                store.load(rows, missing)
            work = again
        return rows

    def _one(self, rows: Rows, slot: int, facts: Sequence[Fact]) -> None:
        """Fold one subject's facts and let time pass."""
        view, shares = self._view, self._shares
        steady = shares.steady(slot)
        rows.shared = shares.last(slot)
        fact = None
        try:
            for fact in facts:
                if not steady:
                    rows.shared = shares.at(slot, fact.position)
                event = fact.event
                if isinstance(event, KnownByAnotherId):
                    self._take_over(rows, fact, event)
                elif isinstance(event, VisitorRecognised) and event.customer != rows.subject:
                    rows.clear(view.tables)
                view.fold(rows, fact)
            fact = None
            rows.shared = shares.last(slot)
            view.settle(rows, self._goals[slot].clock)
        except NotLoaded:
            raise
        except Exception as cause:
            raise Poisoned(slot, rows.subject, fact, cause) from cause

    def _take_over(self, rows: Rows, fact: Fact, event: KnownByAnotherId) -> None:
        """Combine a recognised visitor's past, without what was the customer's already."""
        past = [f for f in self._past(event.identity, fact.position) if f.subject != rows.subject]
        if past:
            visitor = fold_past(self._view, event.identity, past, rows.shared, self._blind)
            self._view.combine(rows, visitor)


def _once(past: Past) -> Past:
    """Remember pasts for one batch: a fold that lacked rows is done again."""
    known: dict[tuple[UUID, int], Sequence[Fact]] = {}

    def ask(identity: UUID, position: int) -> Sequence[Fact]:
        if (identity, position) not in known:
            known[identity, position] = past(identity, position)
        return known[identity, position]

    return ask
