"""The folding of a batch: new facts into the rows that they touch, whatever the store."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, Protocol
from uuid import UUID

from domain.customer.events import CustomerErased, KnownByAnotherId, VisitorRecognised
from domain.shared.events import Fact
from projections.projection import RECOGNITION, View, slot_of
from projections.rows import Key, NotLoaded, Rows, Table
from projections.runtime.batch import Batch, Folded, Goal, Grouped, Place, Poisoned, Shares
from projections.runtime.replay import Blind, fold_past

ESCALATE: Final = 2
"""How often a subject's single rows of a table are read before all of them are."""

Past = Callable[[Collection[UUID], int], Sequence[Fact]]
"""The facts, up to a position, that began with any of these identities."""


Wanted = tuple[UUID, Table[Any], Key | None]
"""Rows of a subject that a fold asks for: one, or (None) all that it has in a table."""


class Store(Protocol):
    """Where rows are between batches."""

    def open(self, subjects: Collection[UUID]) -> dict[UUID, Rows]:
        """Return the subjects' rows, eager tables loaded; one without a root row is complete."""

    def load(self, rows: Mapping[UUID, Rows], wanted: Iterable[Wanted]) -> None:
        """Load single rows, or (key None) all that a subject has in a table."""


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
        shares = Shares(self.view, batch)
        work, slot_at, count = self._work(batch)
        pasts = _Pasts(self._past, work)
        folding = _Folding(self.view, shares, batch.goals, pasts, self._blind)
        rows = folding.run(store, work, slot_at)
        return Folded(
            rows=rows,
            facts=count,
            places={
                slot: Place(position=goal.position, clock=goal.clock, shared=shares.last(slot))
                for slot, goal in batch.goals.items()
            },
        )

    def _work(self, batch: Batch) -> tuple[dict[UUID, Sequence[Fact]], dict[UUID, int], int]:
        """Return whose facts are to be folded, in which slots, and how many they are."""
        places, goals, slots = batch.places, batch.goals, self.slots
        concerned = self.view.concerned
        work: dict[UUID, Sequence[Fact]] = dict.fromkeys(batch.due, ())
        slot_at = {subject: slot_of(subject, slots) for subject in work}
        count = 0
        for subject, mine in self._by_subject(batch.facts):
            slot = slot_of(subject, slots)
            goal = goals.get(slot)
            if goal is None:
                continue
            seen, upto = places[slot].position, goal.position
            if mine[0].position <= seen or mine[-1].position > upto:
                mine = [f for f in mine if seen < f.position <= upto]  # noqa: PLW2901  # the rest
            mine = concerned(mine)  # noqa: PLW2901  # the rest
            if mine:
                work[subject] = mine
                slot_at[subject] = slot
                count += len(mine)
        return work, slot_at, count

    def _by_subject(self, facts: Sequence[Fact]) -> Iterator[tuple[UUID, Sequence[Fact]]]:
        grouped = facts if isinstance(facts, Grouped) else Grouped(facts)
        yield from grouped.by_subject
        owned: dict[UUID, list[Fact]] = {}
        for fact in grouped.nobodys:
            subject = self.view.subject_of(fact)
            if subject is not None:
                owned.setdefault(subject, []).append(fact)
        yield from owned.items()


class _Folding:
    """One batch being folded."""

    def __init__(
        self,
        view: View,
        shares: Shares,
        goals: Mapping[int, Goal],
        pasts: "_Pasts",
        blind: Blind,
    ) -> None:
        self._view = view
        self._shares = shares
        self._goals = goals
        self._pasts = pasts
        self._blind = blind

    def run(
        self, store: Store, work: dict[UUID, Sequence[Fact]], slot_at: Mapping[UUID, int]
    ) -> dict[UUID, Rows]:
        rows = store.open(work)
        foreseen = {
            (subject, table, key)
            for subject, facts in work.items()
            for table, key in self._view.wanted(rows[subject], facts)
        }
        if foreseen:
            store.load(rows, foreseen)
        asked: dict[tuple[UUID, Table[Any]], int] = {}
        while work:
            again: dict[UUID, Sequence[Fact]] = {}
            missing: list[Wanted] = []
            for subject, facts in work.items():
                try:
                    self._one(rows[subject], slot_at[subject], facts)
                except NotLoaded as lack:
                    rows[subject].forget_changes()
                    for table, key in lack.lacking:
                        times = asked[subject, table] = asked.get((subject, table), 0) + 1
                        missing.append((subject, table, key if times <= ESCALATE else None))
                    again[subject] = facts
            if missing:
                store.load(rows, missing)
            work = again
        return rows

    def _one(self, rows: Rows, slot: int, facts: Sequence[Fact]) -> None:
        """Fold one subject's facts and let time pass."""
        view, shares, fold = self._view, self._shares, self._view.fold
        steady = shares.steady(slot)
        rows.shared = shares.last(slot)
        fact = None
        try:
            for fact in facts:
                if not steady:
                    rows.shared = shares.at(slot, fact.position)
                if type(fact.event) in RECOGNITION:
                    self._recognise(rows, fact)
                if type(fact.event) is CustomerErased:
                    self._forget(rows, fact, fact.event)
                fold(rows, fact)
            fact = None
            rows.shared = shares.last(slot)
            view.settle(rows, self._goals[slot].clock)
        except NotLoaded:
            raise
        except Exception as cause:
            raise Poisoned(slot, rows.subject, fact, cause) from cause

    def _recognise(self, rows: Rows, fact: Fact) -> None:
        """Combine a recognised visitor's past, or let go of it where it was the visitor's."""
        view, event = self._view, fact.event
        if isinstance(event, VisitorRecognised) and event.customer != rows.subject:
            rows.clear(view.tables)
        if isinstance(event, KnownByAnotherId):
            past = self._pasts.of(event.identity, fact.position)
            theirs = [f for f in past if f.subject != rows.subject]
            if theirs:
                visitor = fold_past(view, event.identity, theirs, rows.shared, self._blind)
                view.combine(rows, visitor)

    def _forget(self, rows: Rows, fact: Fact, event: CustomerErased) -> None:
        """Fold the customer's past again, now that nothing of it opens any more: as a replay does.

        What was read before, and what was made of it (masks, indexes), goes by that.
        """
        rows.clear(self._view.tables)
        self._pasts.bring_forgotten()
        past = self._whole(rows.subject, event.identities, fact.position)
        for told in sorted(past, key=attrgetter("position")):
            if told.position < fact.position:
                self._view.fold(rows, told)

    def _whole(self, subject: UUID, identities: Iterable[UUID], position: int) -> Iterator[Fact]:
        """Yield the facts of these identities, and of all that the subject is known by besides."""
        waiting = [subject, *identities]
        seen: set[UUID] = set()
        while waiting:
            identity = waiting.pop()
            if identity in seen:
                continue
            seen.add(identity)
            for told in self._pasts.of(identity, position):
                yield told
                if isinstance(told.event, KnownByAnotherId) and told.subject == subject:
                    waiting.append(told.event.identity)


class _Pasts:
    """The pasts that a batch asks for, each read once: a fold that lacked rows is done again."""

    def __init__(self, past: Past, work: Mapping[UUID, Sequence[Fact]]) -> None:
        self._past = past
        self._work = work
        self._known: dict[UUID, tuple[int, list[Fact]]] = {}
        self._all_brought = False

    def of(self, identity: UUID, position: int) -> Sequence[Fact]:
        """Return the facts, up to a position, that began with an identity."""
        upto, facts = self._known.get(identity, (-1, []))
        if upto < position:
            self._bring([identity], position)
            upto, facts = self._known[identity]
        return facts if upto == position else [f for f in facts if f.position <= position]

    def bring_forgotten(self) -> None:
        """Read together what there is of all who are forgotten in the batch."""
        if self._all_brought:
            return
        self._all_brought = True
        whose: set[UUID] = set()
        upto = 0
        for subject, facts in self._work.items():
            for fact in facts:
                if isinstance(fact.event, CustomerErased):
                    whose |= {subject, *fact.event.identities}
                    upto = max(upto, fact.position)
        self._bring(whose, upto)

    def _bring(self, identities: Collection[UUID], upto: int) -> None:
        found: dict[UUID | None, list[Fact]] = {identity: [] for identity in identities}
        for fact in self._past(identities, upto):
            found[fact.origin].append(fact)
        self._known |= {identity: (upto, found[identity]) for identity in identities}
