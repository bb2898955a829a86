"""A profile is the same whatever the order in which its facts arrive."""

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.shared.events import Event
from projections.profile.answers import COLUMNS
from projections.profile.projection import profile
from projections.profile.tables import PROFILE, Portrait
from tests.projections.profile.story import IDS, folded, story
from tests.projections.profile.test_laws import events

Happened = tuple[float, Event, Any]


def stream_of(event: Event, number: int) -> Any:
    return IDS.derive("tea", event.stored.name.split(".")[0], str(number))


stories = st.lists(st.tuples(events, st.integers(0, 2)), max_size=12).map(
    lambda said: [(when, event, stream_of(event, n)) for when, (event, n) in enumerate(said)]
)


def seen(happened: list[Happened]) -> dict[str, Any]:
    row = folded(profile, story(*happened)).get(PROFILE)
    if row is None:
        return {}
    person = row.person
    known = (person.person.values, person.private.values) if isinstance(person, Portrait) else None
    indexes = (row.email_index, row.phone_index)
    return {name: getattr(row, name) for name in COLUMNS} | {"person": known, "indexes": indexes}


@given(stories, st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_profile(
    happened: list[Happened], random: Random
) -> None:
    arrived = list(happened)
    random.shuffle(arrived)
    assert seen(arrived) == seen(happened)
