"""Hands: customers dealt by their number, so that a log too large for memory is folded in turns."""

from typing import Final
from uuid import UUID

FACTS_IN_A_HAND: Final = 250_000
"""Their rows, held at once while they are folded, take about a hundred megabytes."""


def hands_for(facts: int) -> int:
    """Return into how many hands so many facts are dealt."""
    return max(1, -(-facts // FACTS_IN_A_HAND))


def hand_of(subject: UUID, hands: int) -> int:
    """Return a subject's hand; hands go up with subjects, and cut across slots."""
    return ((subject.int >> 96) * hands) >> 32
