"""What was said last holds: values beside the instants and positions at which they were said.

The last is the last by (occurred_at, position), whatever the order of arrival, so an old import
never overwrites a newer value, and what two halves of a history say can be put together.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self, TypeVar

import msgspec

from domain.shared.events import Fact


class Stamp(msgspec.Struct, frozen=True, array_like=True, order=True):
    """When something was said: first by occurrence, then by its place in the log."""

    at: datetime
    position: int


def stamp(fact: Fact) -> Stamp:
    return Stamp(fact.occurred_at, fact.position)


class Switch(msgspec.Struct, frozen=True, array_like=True):
    """Something that is on or off, as last said."""

    at: datetime
    position: int
    on: bool


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """Named values, and when each was last said; one taken back keeps its stamp alone."""

    values: dict[str, Any] = {}
    stamps: dict[str, Stamp] = {}

    @classmethod
    def once(cls, values: dict[str, Any], when: Stamp) -> Self:
        """Return what one fact says: None takes a value back."""
        return cls(
            values={name: value for name, value in values.items() if value is not None},
            stamps=dict.fromkeys(values, when),
        )

    def and_(self, other: "Said") -> "Said":
        """Return both together: for each name what was said last."""
        values, stamps = dict(self.values), dict(self.stamps)
        for name, when in other.stamps.items():
            before = stamps.get(name)
            if before is not None and before >= when:
                continue
            stamps[name] = when
            if name in other.values:
                values[name] = other.values[name]
            else:
                values.pop(name, None)
        return Said(values, stamps)


Switches = dict[str, Switch]


def switched(one: Switches, other: Switches, *, off_wins_ties: bool = False) -> Switches:
    """Return both together: each switch as last said.

    `off_wins_ties`: of two things said at the same instant, *off* holds, whatever their positions.
    """
    together = dict(one)
    for name, switch in other.items():
        before = together.get(name)
        if before is None or _rank(before, off_wins_ties) < _rank(switch, off_wins_ties):
            together[name] = switch
    return together


def those_on(switches: Switches) -> tuple[str, ...]:
    return tuple(sorted(name for name, switch in switches.items() if switch.on))


def _rank(switch: Switch, off_wins_ties: bool) -> tuple[datetime, bool, int]:  # noqa: FBT001  # private, one caller
    return (switch.at, off_wins_ties and not switch.on, switch.position)


T = TypeVar("T", datetime, Stamp)


def earliest(*instants: T | None) -> T | None:
    return min(_given(instants), default=None)


def latest(*instants: T | None) -> T | None:
    return max(_given(instants), default=None)


def _given(instants: Iterable[T | None]) -> Iterable[T]:
    return (instant for instant in instants if instant is not None)
