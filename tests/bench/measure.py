"""What a measure is: two sides run in turn, several rounds, told by median and spread."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

if TYPE_CHECKING:
    from tests.bench.ground import Ground

ROUNDS: Final = 5

Say = Callable[[str], None]
"""Is told what is being done."""


class Goal(msgspec.Struct, frozen=True):
    """What is wanted of the ratio of ours to the other side, or of ours alone."""

    of: Literal["ratio", "ours"]
    is_: Literal["at least", "at most"]
    value: float

    def met(self, figure: "Figure") -> bool:
        found = figure.ratio if self.of == "ratio" else figure.ours.median
        assert found is not None
        return found >= self.value if self.is_ == "at least" else found <= self.value

    def __str__(self) -> str:
        sign = ">=" if self.is_ == "at least" else "<="
        return f"{self.of} {sign} {self.value:,g}"


class Side(msgspec.Struct, frozen=True):
    """What one side came to, round by round."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.rounds)

    @property
    def spread(self) -> tuple[float, float]:
        return min(self.rounds), max(self.rounds)


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the answer. `other`: what ours is held against, if it is against something.

    `note`: what the reader of the figure must know besides, said under it.
    """

    name: str
    about: str
    unit: str
    ours: Side
    against: Side | None = None
    other: str = ""
    goals: tuple[Goal, ...] = ()
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Median of ours to median of the other side."""
        return self.ours.median / self.against.median if self.against else None

    @property
    def met(self) -> bool | None:
        """Say whether every goal is reached; None: there is none."""
        return all(goal.met(self) for goal in self.goals) if self.goals else None

    @property
    def goal(self) -> str:
        return ", ".join(map(str, self.goals))

    def as_dict(self) -> dict[str, Any]:
        return {
            "about": self.about,
            "unit": self.unit,
            "ours": self.ours.median,
            "ours_spread": self.ours.spread,
            "other": self.other or None,
            "against": self.against.median if self.against else None,
            "against_spread": self.against.spread if self.against else None,
            "ratio": self.ratio,
            "goal": self.goal or None,
            "met": self.met,
            "note": self.note or None,
        }


class Measure(msgspec.Struct, frozen=True):
    """Something that is measured on the ground that it is given; it may come to several figures.

    `minutes`: about how long it takes on a quiet machine.
    """

    name: str
    about: str
    run: "Callable[[Ground], Iterable[Figure]]"
    minutes: float = 1


def at_least(value: float) -> tuple[Goal]:
    return (Goal("ours", "at least", value),)


def at_most(value: float) -> tuple[Goal]:
    return (Goal("ours", "at most", value),)


def ratio_at_least(value: float) -> tuple[Goal]:
    return (Goal("ratio", "at least", value),)


def ratio_at_most(value: float) -> tuple[Goal]:
    return (Goal("ratio", "at most", value),)


def share(values: Sequence[float], part: float) -> float:
    """Return the value that `part` (0 to 1) of these do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def in_turn(*sides: Callable[[int], float], rounds: int, warm_up: bool = False) -> tuple[Side, ...]:
    """Run each side once a round, the first one last in every other round.

    Each is given a number that it never had before; `warm_up`: a round that does not count.
    """
    found: list[list[float]] = [[] for _ in sides]
    order = list(enumerate(sides))
    if warm_up:
        for _, side in order:
            side(0)
    for number in range(1, rounds + 1):
        for place, side in order if number % 2 else reversed(order):
            found[place].append(side(number))
    return tuple(Side(tuple(values)) for values in found)
