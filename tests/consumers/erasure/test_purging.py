"""Whose a refused event is, by what it says of them, however that is spelled."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote
from uuid import UUID

import msgspec
import pytest

from consumers.erasure.purging import purge_refused
from domain.customer.events import Person, TraitsAsserted
from domain.shared.ids import Ids
from infra.postgres import OWNER, WRITER, connect, pool
from infra.refused import Refusals
from infra.sealing import RefusedEvent
from projections.marks import Marks, marks_of
from projections.sought import Sought
from tests.facts import fact_of
from tests.projections.runtime.shop import Shop
from tests.refused import refused

IDS: Final = Ids(b"purging" * 5)
NOW: Final = datetime(2026, 11, 20, tzinfo=UTC)


def marks(**known: str) -> Marks:
    """Return what a user, u1, is known by."""
    whose = IDS.user("tea", "u1")
    told = fact_of(
        TraitsAsserted(person=Person(**known)),  # type: ignore[arg-type]  # words alone
        position=1,
        stream=whose,
        shop="tea",
        origin=whose,
        occurred_at=NOW,
        recorded_at=NOW,
    )
    return marks_of([whose], [told])


ADA: Final = marks(email="Ada.Mark@Example.com", phone="+12125550111")


def sought(shop: Shop, *people: Marks) -> Sought:
    return Sought(shop.ids, {UUID(int=n): ("tea", known) for n, known in enumerate(people)})


def is_hers(message: bytes | str | object, known: Marks = ADA, shop: str = "tea") -> bool:
    if not isinstance(message, bytes):
        message = json.dumps(message, ensure_ascii=False).encode()
    return bool(Sought(IDS, {UUID(int=0): ("tea", known)}).named(message, shop))


@pytest.mark.parametrize(
    "message",
    [
        b'{"email":"ada.mark@example.com"}',
        b'{"email":" ADA.Mark@EXAMPLE.com "}',
        rb'{"email":"ada.mark\u0040example.com"}',
        rb'{"email":"\u0041da.mark\u0040example\u002Ecom"}',
        rb'{"note":"of\nada.mark@example.com"}',
        b'{"url":"https://tea.example/?mail=ada.mark%40example.com&a=1"}',
        b'{"url":"https://tea.example/?next=%2F%3Fmail%3Dada.mark%2540example.com"}',
        rb'{"inner":"{\"email\":\"ada.mark\\u0040example.com\"}"}',
        b'{"email":"ada.mark@example.com", "broken',
        rb'{"email":"ada.mark\u0040example.com", "broken',
        b'{"to":"Ada <mailto:ada.mark@example.com>."}',
        '{"note":"我的邮箱是ada.mark@example.com谢谢"}'.encode(),
        '{"email":"ada.mark\uff20example.com"}'.encode(),
        b'{"discount":"100%ada.mark@example.com"}',
    ],
)
def test_an_address_is_found_however_it_is_spelled(message: bytes) -> None:
    assert is_hers(message)
    assert is_hers(message, shop="coffee"), "it is hers in every shop"


@pytest.mark.parametrize(
    "said",
    [
        "+12125550111",
        "+1 (212) 555-0111",
        "(212) 555-0111",
        "212.555.0111",
        "0012125550111",
        "call +1 212 555 0111 x5",
        "https://tea.example/?tel=%2B1+212+555+0111",
        "+1\u00a0212\u2010555\u20110111",
        12125550111,
    ],
)
def test_a_phone_number_is_found_however_it_is_written(said: object) -> None:
    assert is_hers({"phone": said})
    assert is_hers({"phone": said}, shop="coffee"), "it is hers in every shop"


@pytest.mark.parametrize("known", ["+44 20 7946 0018", "020 7946 0018", "+44 (0)20 7946-0018"])
@pytest.mark.parametrize(
    "said", ["020 7946 0018", "+442079460018", "0044 20 7946 0018", "+44 (0) 20/7946 0018"]
)
def test_with_its_country_or_without_a_number_is_the_same(known: str, said: str) -> None:
    assert is_hers({"phone": said}, marks(phone=known))


def test_a_short_number_is_found_as_it_was_written_in_its_own_shop_alone() -> None:
    short = marks(phone="555-0111")
    assert is_hers({"phone": "555-0111"}, short)
    assert not is_hers({"phone": "555-0111"}, short, shop="coffee")


@pytest.mark.parametrize(
    "message",
    [
        rb'{"user\u0049d":"u1"}',
        b'{"batch":[{"context":{"traits":{"id":"u1"}}}]}',
        b'{"properties":{"customerId":"u1"}}',
        b'{"properties":{"user_id":"u1"}}',
    ],
)
def test_an_id_is_found_by_any_member_in_its_own_shop_alone(message: bytes) -> None:
    assert is_hers(message)
    assert not is_hers(message, shop="coffee")


@pytest.mark.parametrize(
    "message",
    [
        {"email": "grand.ada@example.com"},
        {"email": "lada.mark@example.com"},
        {"email": "ada.mark@example.com.au"},
        {"phone": "+1 312 555 0111"},
        {"phone": "555 0111"},
        {"order_id": "12125550112", "at": "2026-11-20T10:15:01.204Z"},
        {"properties": {"products": [{"id": "u1"}]}},
        {"a": 212, "b": 5550111},
    ],
)
def test_what_only_looks_alike_is_somebody_elses(message: object) -> None:
    assert not is_hers(message)
    assert not is_hers(quote(json.dumps(message)))


def test_refused_events_go_in_every_shop_and_others_stay(shop: Shop) -> None:
    told = {
        "by-id": ("tea", b'{"userId":"u1"}'),
        "by-address": ("coffee", rb'{"email":"ada.mark\u0040example.com"}'),
        "by-number": ("coffee", b'{"phone":"(212) 555-0111"}'),
        "another": ("coffee", b'{"userId":"u1"}'),
        "nobody": ("tea", b"{"),
    }
    known = msgspec.structs.replace(ADA, identities=frozenset({shop.user("u1")}))
    with pool(shop.url, WRITER, size=1) as writer:
        refusals = Refusals(writer, shop.sealer, shop.ids)
        refusals.keep(
            [refused(message, shop=where, place=name) for name, (where, message) in told.items()]
        )
        with writer.connection() as connection:
            assert purge_refused(connection, shop.sealer, sought(shop, known)) == 3
        left = refusals.page(after=None, reason=None, limit=10)
    assert {one.place for one in left} == {"another", "nobody"}


def test_one_whose_key_nothing_unwraps_holds_up_nobodys_erasure(shop: Shop) -> None:
    known = msgspec.structs.replace(ADA, identities=frozenset({shop.user("u1")}))
    shop.sealer.ensure([shop.user("u1")])
    with pool(shop.url, WRITER, size=1) as writer:
        refusals = Refusals(writer, shop.sealer, shop.ids)
        messages = {"hers": b'{"userId":"u1"}', "spoiled": b'{"userId":"u1"}', "nobody": b"{"}
        refusals.keep([refused(it, shop="tea", place=name) for name, it in messages.items()])
        page = refusals.page(after=None, reason=None, limit=10)
        (spoiled,) = (one for one in page if one.place == "spoiled")
        with connect(shop.url, OWNER) as owner:
            owner.execute(
                "update keeper.refused_key set wrapped = %s where id = %s", (bytes(60), spoiled.id)
            )
        assert {one.place for one in page if one.id in refusals.open(page)} == {"hers", "nobody"}
        with writer.connection() as connection:
            assert purge_refused(connection, shop.sealer, sought(shop, known)) == 2
        left = refusals.page(after=None, reason=None, limit=10)
    assert {one.place for one in left} == {"nobody"}


def test_what_names_somebody_who_is_forgotten_while_it_is_written_is_not_kept(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal = shop.sealer.seal_refused

    def meanwhile(events: Sequence[RefusedEvent]) -> list[bytes]:
        shop.sealer.forget([shop.user("u1")])
        return seal(events)

    monkeypatch.setattr(shop.sealer, "seal_refused", meanwhile)
    hers, nobodys = refused(b'{"userId":"u1"}'), refused(b"{")
    with pool(shop.url, WRITER, size=1) as writer:
        refusals = Refusals(writer, shop.sealer, shop.ids)
        assert refusals.keep([hers, nobodys]) == {nobodys[0].id}
        (left,) = refusals.page(after=None, reason=None, limit=10)
        gone, again = refusals.seal_again([hers, nobodys])
    assert left.id == nobodys[0].id
    assert gone is None
    assert again is not None
