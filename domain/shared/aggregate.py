"""Roots: what decides (and may refuse), and what it remembers of its own facts (and may not)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar, Final, Self, TypeVar, cast
from uuid import UUID

from eventsourcing.domain import OriginatorIDError, OriginatorVersionError

from domain.shared.events import Event, UnknownFact
from domain.shared.log import Who

R = TypeVar("R", bound="Root")

THEIRS: Final = Who()
"""Whoever the stream belongs to, or the stream as an identity of its own."""


class Decided:
    """An event at its place in its root's stream: a domain event of the library `eventsourcing`.

    `occurred_at` None: when it is saved. `who`: whose it is, None for nobody's. `first`: left out
    unless it is the first of its stream.
    """

    __slots__ = ("event", "first", "occurred_at", "originator_id", "originator_version", "who")

    def __init__(  # noqa: PLR0913  # a draft has as many sides
        self,
        originator_id: UUID,
        originator_version: int,
        event: Event,
        *,
        occurred_at: datetime | None = None,
        who: Who | None = THEIRS,
        first: bool = False,
    ) -> None:
        self.originator_id = originator_id
        self.originator_version = originator_version
        self.event = event
        self.occurred_at = occurred_at
        self.who = who
        self.first = first

    def mutate(self, aggregate: R | None) -> R:
        """Return the root as it is after this event; None is the root before its first.

        Raises OriginatorIDError for another's event, OriginatorVersionError for one that is not the
        next, UnknownFact when it is told of no root.
        """
        if aggregate is None:
            aggregate = cast("R", root_of(self.event.stored.name)(self.originator_id))
        if self.originator_id != aggregate.id:
            raise OriginatorIDError(self.originator_id, aggregate.id)
        if self.originator_version != aggregate.version + 1:
            raise OriginatorVersionError(self.originator_version, aggregate.version + 1)
        aggregate.evolve(self.event)
        aggregate.version = self.originator_version
        return aggregate


class Told(Decided):
    """An event read back from the log: at its position, in its shop, of its origin."""

    __slots__ = ("origin", "position", "shop")

    occurred_at: datetime

    def __init__(  # noqa: PLR0913, PLR0917  # a row has as many
        self,
        originator_id: UUID,
        originator_version: int,
        event: Event,
        occurred_at: datetime,
        position: int,
        shop: str = "",
        origin: UUID | None = None,
    ) -> None:
        self.originator_id = originator_id
        self.originator_version = originator_version
        self.event = event
        self.occurred_at = occurred_at
        self.who = THEIRS
        self.first = False
        self.position = position
        self.shop = shop
        self.origin = origin


class Root:
    """What a noun's decisions rest on: evolved from its facts, never stored.

    A decision is a method that refuses by raising, or records events. `evolve` is memory: it has no
    guard, clock or I/O and ignores what it does not know. Versions start at 1; a root without any
    fact has version 0. `shop`: in which its first fact was recorded, `origin`: whose that was, once
    it was read from the log. A mutable aggregate of the library `eventsourcing`.
    """

    facts: ClassVar[tuple[str, ...]]
    """What its facts are stored under: a noun, or a whole name where the noun is another's."""

    def __init_subclass__(cls) -> None:
        for name in cls.facts:
            ROOTS[name] = cls

    def __init__(self, id: UUID) -> None:
        self.id = id
        self.version = 0
        self.shop = ""
        self.origin: UUID | None = None
        self._decided: list[Decided] = []

    def whose(self) -> Who | None:
        """Return whose its facts are, None for nobody's."""
        return THEIRS

    def record(self, event: Event) -> None:
        """Remember a decision, to be kept in the log when the command is done."""
        self.version += 1
        self._decided.append(Decided(self.id, self.version, event, who=self.whose()))
        self.evolve(event)

    def evolve(self, event: Event) -> None:
        """Remember what an event says."""

    def collect_events(self) -> Sequence[Decided]:
        """Return what was decided since the last call, and forget it."""
        decided, self._decided = self._decided, []
        return decided

    @classmethod
    def after(cls, id: UUID, events: Iterable[Event]) -> Self:
        """Return the root as it is after these events of its stream."""
        root = cls(id)
        for event in events:
            root.version += 1
            root.evolve(event)
        return root


ROOTS: Final[dict[str, type[Root]]] = {}
"""Every root by what its facts are stored under, filled as the aggregates' modules are imported."""


def root_of(name: str) -> type[Root]:
    """Return what a stored name is told of. Raises UnknownFact when that is no root."""
    kind = ROOTS.get(name) or ROOTS.get(name.partition(".")[0])
    if kind is None:
        msg = f"{name} is not told of anything that decides"
        raise UnknownFact(msg)
    return kind
