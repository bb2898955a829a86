"""A click counts as a person's unless its evidence says otherwise."""

import pytest

from domain.message.events import AddressClass, Evidence
from projections.clicks import is_person


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(),
        Evidence(delay_ms=2000),
        Evidence(address_class=AddressClass.UNKNOWN),
        Evidence(delay_ms=3_600_000, address_class=AddressClass.BUSINESS),
    ],
)
def test_a_person_is_believed_to_click_unless_something_speaks_against_it(
    evidence: Evidence,
) -> None:
    assert is_person(evidence)


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(delay_ms=1999),
        Evidence(honeypot=True, delay_ms=60_000),
        Evidence(address_class=AddressClass.DATACENTER, delay_ms=60_000),
    ],
)
def test_what_is_too_quick_hidden_or_from_a_data_centre_is_a_scanner(evidence: Evidence) -> None:
    assert not is_person(evidence)
