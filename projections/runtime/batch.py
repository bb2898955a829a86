"""A live batch: new facts, in order, and how far they bring which slots."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, overload
from uuid import UUID

import msgspec

from domain.shared.events import Fact
from projections.projection import View
from projections.rows import Rows


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far a slot's rows have come: position, clock, and what its rows share."""

    position: int
    clock: datetime
    shared: Any


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """How far a slot is to go: facts up to `position` are there, later ones come after `clock`."""

    position: int
    clock: datetime


class Poisoned(Exception):
    """A fold failed on a fact (None: on the passing of time)."""

    def __init__(
        self, slot: int, subject: UUID | None, fact: Fact | None, cause: Exception
    ) -> None:
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


class Grouped(Sequence[Fact]):
    """Facts in order of position, put together by subject once for all views that fold them."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self._facts = facts
        self.nobodys: list[Fact] = []
        groups: dict[int, list[Fact]] = {}  # by number: hashing a UUID takes ten times as long
        for fact in facts:
            subject = fact.subject
            if subject is None:
                self.nobodys.append(fact)
                continue
            group = groups.get(subject.int)
            if group is None:
                groups[subject.int] = [fact]
            else:
                group.append(fact)
        self.by_subject: list[tuple[UUID, list[Fact]]] = [
            (group[0].subject, group) for group in groups.values() if group[0].subject
        ]

    @overload
    def __getitem__(self, place: int) -> Fact: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Fact]: ...
    def __getitem__(self, place: int | slice) -> Fact | Sequence[Fact]:
        return self._facts[place]

    def __iter__(self) -> Iterator[Fact]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Facts in order of position, and from where to where they bring which slots.

    `due`: subjects for whom time passes without a fact.
    """

    facts: Sequence[Fact]
    places: Mapping[int, Place]
    goals: Mapping[int, Goal]
    due: Iterable[UUID] = ()


class Shares:
    """What a slot's rows share, at each position of the batch."""

    def __init__(self, view: View, batch: Batch) -> None:
        facts = batch.facts
        nobodys = (
            facts.nobodys if isinstance(facts, Grouped) else [f for f in facts if f.subject is None]
        )
        self._of: dict[int, list[tuple[int, Any]]] = {}
        for slot, goal in batch.goals.items():
            place = batch.places[slot]
            shared = place.shared
            timeline = [(0, shared)]
            for fact in nobodys:
                if place.position < fact.position <= goal.position:
                    now = self._share(view, slot, shared, fact)
                    if now is not shared:
                        timeline.append((fact.position, now))
                        shared = now
            self._of[slot] = timeline

    @staticmethod
    def _share(view: View, slot: int, shared: Any, fact: Fact) -> Any:
        try:
            return view.share(shared, fact)
        except Exception as cause:
            raise Poisoned(slot, None, fact, cause) from cause

    def last(self, slot: int) -> Any:
        return self._of[slot][-1][1]

    def at(self, slot: int, position: int) -> Any:
        """Return what was shared once the fact at `position` had been folded."""
        return next(s for p, s in reversed(self._of[slot]) if p <= position)

    def steady(self, slot: int) -> bool:
        return len(self._of[slot]) == 1
