"""What is kept of somebody beside their facts is found, and nothing of others with it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from domain.shared.ids import Ids
from infra.beside import Beside
from infra.keyring import Keyring
from infra.postgres import WRITER, Pool, pool
from infra.refused import Refusals
from infra.sealing import PersonKeys
from projections.marks import Marks
from projections.sought import Sought
from tests.refused import refused

WHOLE = "/v1/batch"
EMAIL = "ada@example.com"
ADAS = {"userId": "ada", "event": "Tea Tasted"}
BOBS = {"userId": "bob", "traits": {"email": "bob@example.com"}}


@pytest.fixture
def writer(database_url: str) -> Iterator[Pool]:
    with pool(database_url, WRITER) as opened:
        yield opened


@pytest.fixture
def ids(ring: Keyring) -> Ids:
    return Ids(ring.secret)


@pytest.fixture
def whom(ids: Ids) -> Sought:
    ada = ids.user("tea", "ada")
    return Sought(ids, {ada: ("tea", Marks(frozenset({ada}), addresses=frozenset({EMAIL})))})


@pytest.fixture
def beside(writer: Pool, keys: PersonKeys, ids: Ids) -> Beside:
    return Beside(writer, keys, ids)


@pytest.fixture
def refusals(writer: Pool, keys: PersonKeys, ids: Ids) -> Refusals:
    return Refusals(writer, keys, ids)


def said(beside: Beside, whom: Sought) -> dict[str | None, str | None]:
    """Return what each refused event of Ada's says, by its detail."""
    found = beside.refused("tea", whom)
    messages = beside.said(found, whom)
    return {it.detail: None if (told := messages[it.id]) is None else told.decode() for it in found}


def test_what_names_them_is_found_in_order_and_other_shops_by_an_address_alone(
    beside: Beside, refusals: Refusals, whom: Sought
) -> None:
    sent = {
        "by id": (b'{"userId":"ada"}', "tea"),
        "another shop's": (b'{"userId":"ada"}', "coffee"),
        "by address": (b'{"email":"ADA@example.com"}', "coffee"),
        "nobody's": (b"{", "tea"),
    }
    for detail, (message, shop) in sent.items():
        refusals.keep([refused(message, shop=shop, detail=detail)])
    assert said(beside, whom) == {
        "by id": '{"userId":"ada"}',
        "by address": '{"email":"ADA@example.com"}',
    }


def test_of_a_batch_that_was_refused_whole_they_are_told_their_own_events(
    beside: Beside, refusals: Refusals, whom: Sought
) -> None:
    shared = {"batch": [BOBS, {"userId": "bob"}], "context": {"traits": {"id": "ada"}}}
    sent: dict[str, dict[str, Any]] = {
        "many": {"batch": [ADAS, BOBS, ADAS], "sentAt": "2026-11-20T10:15:00Z"},
        "one": {"batch": [ADAS]},
        "shared": shared,
    }
    refusals.keep(
        [
            refused(json.dumps(it).encode(), place=WHOLE, detail=detail)
            for detail, it in sent.items()
        ]
    )
    told = {detail: json.loads(it or "") for detail, it in said(beside, whom).items()}
    assert told == {**sent, "many": {**sent["many"], "batch": [ADAS, ADAS]}}


@pytest.mark.parametrize(
    ("sent", "theirs"),
    [
        ([ADAS, BOBS], [ADAS]),
        ({"batch": [ADAS, BOBS]}, {"batch": [ADAS]}),
        ({"batch": [[ADAS, BOBS]]}, {"batch": [[ADAS]]}),
        (
            {"batch": [{"batch": [BOBS, ADAS]}], "type": "track"},
            {"batch": [{"batch": [ADAS]}], "type": "track"},
        ),
        ({"batch": [{"batch": [BOBS, [BOBS, ADAS, 1]]}]}, {"batch": [{"batch": [[ADAS]]}]}),
        ({"batch": [{**ADAS, "batch": 1}]}, {"batch": [{**ADAS, "batch": 1}]}),
        ([[[[[[[[[[ADAS, BOBS]]]]]]]]]], None),
    ],
)
def test_of_events_in_a_list_or_in_a_batch_within_another_they_are_told_their_own(
    beside: Beside, refusals: Refusals, whom: Sought, sent: Any, theirs: Any
) -> None:
    refusals.keep([refused(json.dumps(sent).encode(), place="event 0", detail="")])
    told = said(beside, whom)[""]
    assert (None if told is None else json.loads(told)) == theirs


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b'{"userId":"ada"}\n{"userId":"bob"}', "broken-json"),
        (b'[{"userId":"ada"},{"userId":"bob"}', "broken-json"),
        (b'{"batch": [{"userId":"ada"},{"userId":"bob"}', "broken-json"),
        (b'\x00\x12{"userId":"ada"}\x00\x14{"userId":"bob"}\x00', "torn-record"),
    ],
)
def test_what_may_be_several_events_and_cannot_be_taken_apart_is_withheld(
    beside: Beside, refusals: Refusals, whom: Sought, message: bytes, reason: str
) -> None:
    refusals.keep([refused(message, place="/v1/track", reason=reason, detail="")])
    assert said(beside, whom) == {"": None}


def test_what_cannot_be_taken_apart_is_told_if_it_is_one_event(
    beside: Beside, refusals: Refusals, whom: Sought
) -> None:
    torn = b'{"userId":"ada", '
    refusals.keep(
        [refused(torn, place=place, detail=place) for place in (WHOLE, "/v1/track", "event 3")]
    )
    assert said(beside, whom) == {
        WHOLE: None,
        "/v1/track": torn.decode(),
        "event 3": torn.decode(),
    }
