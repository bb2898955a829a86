"""Whom a message names, however it is spelled."""

import json

import pytest

from domain.shared.ids import Ids
from domain.shared.naming import identities_named

IDS = Ids(b"naming" * 6)
ADA = IDS.user("tea", "u1")
VISITOR = IDS.anonymous("tea", "v1")


def named(message: bytes) -> set[str]:
    """Return which of the two it names."""
    found = identities_named(message, IDS, "tea")
    return {name for name, whose in (("ada", ADA), ("visitor", VISITOR)) if whose in found}


@pytest.mark.parametrize(
    "message",
    [
        {"userId": "u1"},
        {"user_id": " u1 "},
        {"batch": [{"userId": "u2"}, {"userId": "u1"}]},
        {"context": {"traits": {"id": "u1"}}},
        {"properties": {"customerId": "u1"}},
        {"properties": {"customer": {"id": "u1"}}},
        {"specversion": "1.0", "subject": "u1"},
        {"previousId": "u1"},
        {"context": {"page": {"url": "https://tea.example/?a=1&userId=%751#top"}}},
    ],
)
def test_a_user_is_named_by_any_id_wherever_it_stands(message: object) -> None:
    assert named(json.dumps(message).encode()) == {"ada"}


@pytest.mark.parametrize(
    "message",
    [
        rb'{"user\u0049d":"u1"}',
        rb'{"userId":"\u0075\u0031"}',
        b'{"userId":"u1","userId":"u2"}',
        b'{"userId":"u1","properties":{"total":NaN}}',
        b'{"userId":"u1","properties":{"name":"\xff"}}',
        b'{"userId":"u1","properties":',
        rb'{"user\u0049d":"\u0075\u0031","properties":',
        b'{"userId":"u1","properties":' + b"[" * 5_000,
        rb'{"url":"https:\/\/tea.example\/?a=1\u0026user_id=u1"}',
    ],
)
def test_escapes_and_what_is_broken_hide_nobody(message: bytes) -> None:
    assert named(message) == {"ada"}


def test_a_visitor_is_named_as_one() -> None:
    assert named(b'{"anonymousId":"v1"}') == {"visitor"}
    assert named(b'{"userId":"v1"}') == set()


def test_a_number_is_an_id_as_the_door_reads_it() -> None:
    assert IDS.user("tea", "42") in identities_named(b'{"userId":42}', IDS, "tea")


@pytest.mark.parametrize(
    "message",
    [
        {"properties": {"products": [{"id": "u1"}], "order_id": "u1"}},
        {"properties": {"note": "u1"}},
        {"userId": "\ud800"},
        {"userId": {"deep": "u1"}},
        {"userId": None, "anonymousId": True},
    ],
)
def test_what_is_no_id_of_a_person_names_nobody(message: object) -> None:
    assert named(json.dumps(message).encode()) == set()


def test_another_shops_user_is_somebody_else() -> None:
    assert ADA not in identities_named(b'{"userId":"u1"}', IDS, "coffee")
