"""A campaign answered from rows in memory is the same as from the tables, at any instant."""

from collections.abc import Iterable
from dataclasses import asdict
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from domain.campaign.events import Arm, Goal
from domain.message.events import MessageDelivered
from projections.conversion.answers import Conversion
from projections.conversion.gathering import Gathering
from projections.conversion.queries import conversion
from projections.rows import Rows
from tests.projections.conversion.conftest import Show
from tests.projections.conversion.story import SPRING, SUMMER, Story, at

INSTANTS = (-1, 0, 1.5, 5, 7, 8.25, 12, 20, 60)


def crowd(*, until: float = 1000) -> Story:
    """Tell of 150 customers in two campaigns, as far as it occurred by a day."""
    story = Untold(until)
    chance = Random(7)  # noqa: S311  # a crowd, not a secret
    story.launched(day=-0.5, goal=Goal(product="cup"))
    story.launched(SUMMER, day=1)
    for number in range(150):
        who = str(number)
        anchor = number % 6
        arm = Arm.CONTROL if chance.random() < 0.4 else Arm.TREATED
        for _ in range(chance.randrange(5)):
            order, day = str(chance.randrange(3)), round(chance.uniform(-1, 15), 3)
            currency = chance.choice(("USD", "USD", "USD", "EUR"))
            story.paid(
                who, day, str(chance.randrange(1, 50)), order, currency=currency, payment=str(day)
            )
            if chance.random() < 0.8:
                story.listed(who, day, chance.choice(("cup", "pot")), order=order)
            if chance.random() < 0.3:
                story.refunded(who, day + chance.uniform(0, 9), "1.50", order)
        story.assigned(who, arm, anchor=anchor, day=anchor - 0.5, goal=Goal(product="cup"))
        if chance.random() < 0.5:
            story.assigned(who, campaign=SUMMER, anchor=anchor + 2, day=anchor + 1)
        for campaign in (SPRING, SUMMER):
            if chance.random() < 0.7:
                story.sent(who, anchor + chance.randrange(4), campaign)
        story.clicked(who, anchor + 1, delay_ms=chance.randrange(9000))
        story.message(who, anchor + 0.25, MessageDelivered(campaign=SPRING))
    return story


class Untold(Story):
    """A story of which only is told what occurred by a day."""

    def __init__(self, until: float) -> None:
        super().__init__()
        self.until = until

    def fact(self, day: float, *about: Any) -> None:
        if day <= self.until:
            super().fact(day, *about)
        else:
            self.position += 1


def gathered(everybody: Iterable[Rows], day: float) -> Conversion | None:
    gathering = Gathering(SPRING, at(day))
    for rows in everybody:
        gathering.take(rows)
    return gathering.answer()


def rounded(answer: Conversion | None) -> Any:
    def plain(value: Any) -> Any:
        match value:
            case dict():
                return {key: plain(part) for key, part in value.items()}
            case list():
                return [plain(part) for part in value]
            case float():
                return round(value, 9)
            case Decimal():
                return value.normalize()
            case _:
                return value

    return plain(asdict(answer)) if answer else None


@pytest.mark.slow
def test_tables_and_memory_answer_the_same_at_any_instant(show: Show) -> None:
    story = crowd()
    connection = show(story)
    for day in INSTANTS:
        memory = gathered(story.replay.rows.values(), day)
        assert rounded(conversion(connection, SPRING, at(day))) == rounded(memory)
    assert memory is not None
    assert [arm.mature > 50 for arm in memory.arms] == [True, True]
    assert memory.arms[0].revenue.other_currencies["EUR"] > 0
    assert memory.last_touch.orders > 10


@pytest.mark.parametrize("day", INSTANTS[2:])
def test_what_occurred_later_might_as_well_not_have_been_told(day: float) -> None:
    whole = gathered(crowd().replay.rows.values(), day)
    assert rounded(whole) == rounded(gathered(crowd(until=day).replay.rows.values(), day))


def test_there_is_no_answer_about_no_campaign() -> None:
    assert gathered(Story().replay.rows.values(), 1) is None
