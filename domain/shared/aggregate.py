"""Roots: what decides (and may refuse), and what it remembers of its own facts (and may not)."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Self
from uuid import UUID

from domain.shared.events import Event


class Decided:
    """An event at its place in its root's stream, not yet in the log."""

    __slots__ = ("event", "originator_id", "originator_version")

    def __init__(self, originator_id: UUID, originator_version: int, event: Event) -> None:
        self.originator_id = originator_id
        self.originator_version = originator_version
        self.event = event


class Root:
    """What a noun's decisions rest on: evolved from its facts, never stored.

    A decision is a method that refuses by raising, or records events. `evolve` is memory: it has no
    guard, clock or I/O and ignores what it does not know. Versions start at 1; a root without any
    fact has version 0.
    """

    noun: ClassVar[str]

    def __init__(self, id: UUID) -> None:
        self.id = id
        self.version = 0
        self._decided: list[Decided] = []

    def record(self, event: Event) -> None:
        """Remember a decision, to be kept in the log when the command is done."""
        self.version += 1
        self._decided.append(Decided(self.id, self.version, event))
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
