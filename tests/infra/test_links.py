"""A link opens what it was made for, until it ends, and nothing else does."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.shared.ids import Ids
from infra.links import customer_of, token_of

IDS, OTHERS = Ids(b"secret"), Ids(b"another")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@given(st.uuids())
def test_a_link_says_whose_it_is_until_it_ends(customer: UUID) -> None:
    token = token_of(IDS, customer, NOON)
    assert customer_of(IDS, token, NOON - HOUR) == customer
    assert customer_of(IDS, token, NOON + HOUR) is None
    assert customer_of(OTHERS, token, NOON - HOUR) is None


@given(st.uuids(), st.integers(0, 47), st.characters(codec="ascii"))
def test_one_in_which_a_character_was_changed_is_nobodys(
    customer: UUID, at: int, other: str
) -> None:
    token = token_of(IDS, customer, NOON)
    changed = token[:at] + other + token[at + 1 :]
    if changed != token:
        assert customer_of(IDS, changed, NOON - HOUR) is None


@given(st.text())
def test_what_was_not_made_here_is_nobodys(token: str) -> None:
    assert customer_of(IDS, token, NOON) is None
