"""What is not taken, and why."""

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.shop import NotTaken, Sent, translate
from commands.shop.contract import Message
from domain.shared.log import Who
from tests.commands.shop.shops import Shop, track

VIEWED = {"type": "track", "userId": "42", "event": "Product Viewed"}
HUGE = "huge-amount"
ORDERED = {"order_id": "o1", "total": 10, "currency": "EUR"}


def why(shop: Shop, message: object, **about: Any) -> str:
    with pytest.raises(NotTaken) as refused:
        shop.hears(message, **about)
    assert str(refused.value)
    return refused.value.code


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"track", b'{"a":1}{"b":2}', b'{"type":"track",}', b'\xff{"type":"track"}'],
)
def test_what_is_not_json_is_said_to_be_broken(shop: Shop, raw: bytes) -> None:
    assert why(shop, raw) == "broken-json"


@pytest.mark.parametrize(
    "beside", [b"", b',"b":"\\u0000"', b',"b":' + b"[" * 20 + b"[1]," * 20 + b"1" + b"]" * 20]
)
@pytest.mark.parametrize(
    ("unnamed", "reason"),
    [
        (b'"\xed\xa0\x80":1', {"bad-text", "broken-json"}),
        (b'"a":"\xff"', {"broken-json"}),
    ],
)
def test_what_is_no_text_is_refused_also_where_the_contract_names_nothing(
    shop: Shop, unnamed: bytes, reason: set[str], beside: bytes
) -> None:
    raw = json.dumps(VIEWED).encode()[:-1] + b"," + unnamed + beside + b"}"
    assert why(shop, raw) in reason


@pytest.mark.parametrize(
    ("unnamed", "reason"),
    [
        (b'"a":"\\ud800\\u0000"', "bad-text"),
        (b'"a":' + b"9" * 5_000 + b',"b":"\\u0000"', "huge-number"),
        (b'"a":1e400,"b":"\\u0000"', "huge-number"),
        (b'"a":' + b"[" * 5_000 + b"]" * 5_000, "too-deep"),
    ],
)
def test_what_the_contract_does_not_name_is_looked_into_without_breaking(
    shop: Shop, unnamed: bytes, reason: str
) -> None:
    raw = json.dumps(VIEWED).encode()[:-1] + b"," + unnamed + b"}"
    assert why(shop, raw) == reason


@pytest.mark.parametrize(
    "message",
    [
        [],
        "track",
        3,
        None,
        {**VIEWED, "properties": [1]},
        {**VIEWED, "context": "none"},
        {**VIEWED, "userId": True},
        {**VIEWED, "userId": 1.5},
        {**VIEWED, "event": 7},
        {**VIEWED, "timestamp": 1_700_000_000},
        {"type": 1},
        {"type": "identify", "userId": "42", "traits": "none"},
        {"type": "identify", "userId": "42", "traits": {"email": ["a@example.com"]}},
        {"type": "identify", "userId": "42", "traits": {"consents": ["email"]}},
        {"type": "identify", "userId": "42", "traits": {"consents": {"sms": {" ": True}}}},
        {"type": "identify", "userId": "42", "traits": {"consents": {"sms": {"a@b.c": True}}}},
        {"type": "identify", "userId": "42", "traits": {"consents": {"email": {"news": "yes"}}}},
    ],
)
def test_a_wrong_type_is_said_to_be_wrong(shop: Shop, message: object) -> None:
    assert why(shop, message) == "wrong-type"


def test_a_message_of_no_known_type_is_refused(shop: Shop) -> None:
    assert why(shop, {**VIEWED, "type": "tracked"}) == "unknown-type"
    assert why(shop, {"userId": "42", "event": "Product Viewed"}) == "unknown-type"


def test_the_type_of_the_path_counts(shop: Shop) -> None:
    assert shop.hears({"userId": "42", "event": "Product Viewed"}, kind="track").facts


def test_somebody_must_be_named(shop: Shop) -> None:
    assert why(shop, {"type": "track", "event": "Product Viewed"}) == "missing-id"


@pytest.mark.parametrize(
    "id", ["", " ", "null", "NULL", "anonymous", "-1", "undefined", "0", "000", "0-0", "---"]
)
def test_ids_that_are_nobody_name_nobody(shop: Shop, id: str) -> None:
    assert why(shop, {**VIEWED, "userId": id}) == "nobody"
    assert why(shop, {"type": "page", "anonymousId": id}) == "nobody"
    assert why(shop, {"type": "group", "userId": "42", "groupId": id}) == "nobody"
    assert why(shop, {"type": "alias", "userId": "42", "previousId": id}) == "nobody"


def test_a_user_who_is_nobody_leaves_the_visitor(shop: Shop) -> None:
    heard = shop.hears({**VIEWED, "userId": "null", "anonymousId": "a1"})
    assert {fact.who for fact in heard.facts} == {Who(anonymous=shop.visitor("a1"))}


@pytest.mark.parametrize("id", ["01", "10", "0a", "null2", "-12"])
def test_ids_that_look_alike_are_somebody(shop: Shop, id: str) -> None:
    assert shop.hears({**VIEWED, "userId": id}).facts[0].who == Who(user=shop.user(id))


@pytest.mark.parametrize(
    "message",
    [
        {"type": "track", "userId": "42"},
        {"type": "track", "userId": "42", "event": " "},
        {"type": "group", "userId": "42"},
        {"type": "alias", "userId": "42"},
        {"type": "alias", "previousId": "a1"},
        {**VIEWED, "event": "Order Completed", "properties": {"total": 3}},
        {**VIEWED, "event": "Coupon Redeemed"},
    ],
)
def test_what_a_message_needs_must_be_there(shop: Shop, message: object) -> None:
    assert why(shop, message) == "missing"


def test_a_message_id_has_at_most_100_characters(shop: Shop) -> None:
    assert shop.hears({**VIEWED, "messageId": "m" * 100})
    assert why(shop, {**VIEWED, "messageId": "m" * 101}) == "too-long"


def test_an_event_has_at_most_32_kilobytes(shop: Shop) -> None:
    frame = len(json.dumps({**VIEWED, "properties": {"note": ""}}))
    note = "x" * (32 * 1024 - frame)
    assert shop.hears({**VIEWED, "properties": {"note": note}})
    assert why(shop, {**VIEWED, "properties": {"note": note + "x"}}) == "too-large"


def test_an_object_of_10_000_keys_is_too_large(shop: Shop) -> None:
    keys = {f"k{n}": n for n in range(10_000)}
    assert why(shop, {**VIEWED, "properties": keys}) == "too-large"


@pytest.mark.parametrize("depth", [40, 900, 15_000])
def test_deep_nesting_is_refused_and_breaks_nothing(shop: Shop, depth: int) -> None:
    nested = b'{"type":"track","userId":"42","event":"x","properties":{"a":%b}}'
    assert why(shop, nested % (b"[" * depth + b"]" * depth)) == "too-deep"


def test_wide_is_not_deep(shop: Shop) -> None:
    assert shop.hears({**VIEWED, "properties": {"rows": [{"a": [n]} for n in range(100)]}})


@pytest.mark.parametrize(
    "text", [rb"\u0000", rb"a\u0000b", rb"\ud800", rb"\udc00x", rb"\ud800\ud800", b"\xed\xa0\x80"]
)
@pytest.mark.parametrize("place", [b'"userId":"%b"', b'"properties":{"%b":1}'])
def test_characters_that_are_none_are_refused(shop: Shop, text: bytes, place: bytes) -> None:
    raw = b'{"type":"track","event":"x","anonymousId":"a1",' + place % text + b"}"
    assert why(shop, raw) == "bad-text"


def test_an_escaped_backslash_is_no_nul(shop: Shop) -> None:
    assert shop.hears({**VIEWED, "properties": {"path": r"c:\u0000"}})


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_numbers_that_are_none_are_refused(shop: Shop, number: bytes) -> None:
    raw = b'{"type":"track","userId":"42","event":"x","properties":{"total":%b}}' % number
    assert why(shop, raw) == "not-a-number"


def test_a_number_beyond_all_bounds_is_refused(shop: Shop) -> None:
    raw = b'{"type":"track","userId":"42","event":"x","properties":{"total":1e999}}'
    assert why(shop, raw) == "huge-number"


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"total": -1}, "negative-amount"),
        ({"total": "-0.01"}, "negative-amount"),
        ({"total": 1_000_000_000_001}, "huge-amount"),
        ({"total": "1e300"}, "huge-amount"),
        ({"total": None, "products": [{"sku": "p", "price": 10**9, "quantity": 10**9}]}, HUGE),
        ({"total": None, "subtotal": 10**12, "tax": 1}, HUGE),
        ({"order_id": 10**300}, "wrong-type"),
        ({"total": "NaN"}, "not-a-number"),
        ({"total": "ten"}, "wrong-type"),
        ({"total": True}, "wrong-type"),
        ({"total": [1]}, "wrong-type"),
        ({"total": None}, "missing-amount"),
        ({"currency": "XXX"}, "unknown-currency"),
        ({"currency": "dollars"}, "unknown-currency"),
        ({"currency": 840}, "wrong-type"),
        ({"products": {"sku": "p1"}}, "wrong-type"),
        ({"products": ["p1"]}, "wrong-type"),
        ({"products": [{"price": 1}]}, "missing"),
        ({"products": [{"sku": "p1", "price": -1}]}, "negative-amount"),
        ({"products": [{"sku": "p1", "price": 1, "quantity": -2}]}, "negative-amount"),
        ({"shipping": -1}, "negative-amount"),
        ({"order_id": {"id": 1}}, "wrong-type"),
        ({"order_id": "ada@example.com"}, "wrong-type"),
    ],
)
def test_an_order_that_cannot_be_counted_is_refused(
    shop: Shop, properties: dict[str, Any], code: str
) -> None:
    for event in ("Order Completed", "Order Updated"):
        assert why(shop, track(event, **{**ORDERED, **properties})) == code


def test_a_refund_that_cannot_be_counted_is_refused(shop: Shop) -> None:
    assert why(shop, track("Order Refunded", order_id="o1", total=-5)) == "negative-amount"
    assert why(shop, track("Order Refunded", order_id="o1", currency="??")) == "unknown-currency"


def test_a_consent_on_no_channel_is_refused(shop: Shop) -> None:
    traits = {"consents": {"pigeon": {"marketing": True}}}
    message = {"type": "identify", "userId": "42", "traits": traits}
    assert why(shop, message) == "unknown-channel"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FIELDS = st.sampled_from([field.encode_name for field in msgspec.structs.fields(Message)])
EVENTS = st.sampled_from(["Order Completed", "Order Refunded", "Coupon Redeemed", "Order Updated"])
PROPERTIES = st.dictionaries(
    st.sampled_from(["order_id", "total", "currency", "products", "revenue", "coupon", "reason"]),
    JSON | st.lists(st.dictionaries(st.sampled_from(["sku", "price", "quantity"]), JSON)),
)
TRAITS = st.dictionaries(
    st.sampled_from(["email", "address", "company", "consents", "kind", "type", "age"]), JSON
)
MESSAGES = st.one_of(
    JSON,
    st.dictionaries(FIELDS, JSON),
    st.fixed_dictionaries(
        {"type": st.just("track"), "userId": st.just("42"), "event": EVENTS},
        optional={"properties": PROPERTIES, "timestamp": st.text() | st.datetimes().map(str)},
    ),
    st.fixed_dictionaries(
        {"type": st.just("identify"), "userId": st.just("42")}, optional={"traits": TRAITS}
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["page", "screen"]), "anonymousId": st.just("a1")},
        optional={"context": st.dictionaries(st.sampled_from(["ip", "campaign", "os"]), JSON)},
    ),
)


@given(MESSAGES)
def test_whatever_is_said_is_told_or_refused(message: object) -> None:
    judge(json.dumps(message).encode())


@given(st.binary())
def test_whatever_comes_is_told_or_refused(raw: bytes) -> None:
    judge(raw)


def judge(raw: bytes) -> None:
    shop = Shop()
    try:
        heard = translate(Sent(raw=raw, message_id="made-here"), shop.door, shop.ids)
    except NotTaken:
        return
    for fact in heard.facts:
        fact.event.stored.encode(fact.event, shop.user("42"), shop.user("42"), Plain())


class Plain:
    """A sealer that hides nothing."""

    def ensure(self, identities: Collection[UUID]) -> None:
        assert identities

    def load(self, identities: Collection[UUID]) -> None:
        assert identities

    def seal(self, identity: UUID, plain: bytes, context: bytes) -> bytes:
        assert identity
        assert context
        return plain

    def open(self, identity: UUID, sealed: bytes, context: bytes) -> bytes | None:
        assert identity
        assert context
        return sealed

    def has_key(self, identity: UUID) -> bool:
        return bool(identity)

    def blind(self, kind: str, value: str) -> bytes:
        return (kind + value).encode()


def test_zero_is_a_message_id_as_any_other(shop: Shop) -> None:
    zero, text = (shop.hears({**VIEWED, "messageId": own}) for own in (0, "0"))
    assert zero.message is not None
    assert text.message is not None
    assert zero.message.id == text.message.id
    none = shop.hears({**VIEWED, "messageId": ""}, message_id="made-here").message
    assert none is not None
    assert none.id == shop.ids.message("tea", "site", "made-here")
