"""Facts of one customer after another, folded into complete rows in memory."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.shared.events import Event, Fact
from domain.shared.ids import Ids
from projections.profile.projection import profile
from projections.profile.tables import PROFILE, Profile
from projections.projection import View
from projections.rows import Rows
from projections.runtime.replay import fold_past
from tests.facts import fact_of
from tests.projections.memory import blind

IDS = Ids(b"a test's secret")
ADA = IDS.user("tea", "ada")
START = datetime(2025, 3, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def order(number: str) -> UUID:
    return IDS.order("tea", number)


def ticket(number: str) -> UUID:
    return IDS.ticket("tea", number)


def fact(position: int, when: float, event: Event, stream: UUID = ADA, **about: Any) -> Fact:
    """Return a fact of Ada's at a position that occurred on a day."""
    told: dict[str, Any] = {
        "shop": "tea",
        "origin": ADA,
        "occurred_at": day(when),
        "recorded_at": day(1000),
        **about,
    }
    return fact_of(event, position=position, stream=stream, **told)


def story(*told: tuple[float, Event] | tuple[float, Event, UUID]) -> list[Fact]:
    """Return what happened on which day, recorded in this order."""
    return [fact(position, *each) for position, each in enumerate(told, 1)]


def folded(view: View, facts: Iterable[Fact]) -> Rows:
    return fold_past(view, ADA, facts, None, blind)


def told(*said: tuple[float, Event] | tuple[float, Event, UUID]) -> Profile:
    return row_of(story(*said))


def row_of(facts: list[Fact]) -> Profile:
    row = folded(profile, facts).get(PROFILE)
    assert row is not None
    return row
