"""What is kept in the clear and what is sealed; what makes two messages the same."""

import json
from typing import Any

import pytest

from commands.shop.clear import Clear, cut
from commands.shop.contract import Sent
from commands.shop.parcel import pack, pack_refused, unpack
from commands.shop.refusals import BadText, BrokenJson, SharedTooLarge, TooDeep, TooMany, WrongType
from domain.activity.events import PageViewed, ScreenViewed, Tracked
from domain.shared.log import Message
from tests.commands.shop.shops import Shop, open_batch, track


def tracked(shop: Shop, message: object, **about: Any) -> Tracked:
    event = shop.told(message, **about)[0]
    assert isinstance(event, Tracked)
    return event


def content(shop: Shop, message: object, **about: Any) -> Message:
    heard = shop.hears(message, **about)
    assert heard.message is not None
    return heard.message


def test_codes_and_amounts_are_clear_and_searches_and_addresses_are_sealed(shop: Shop) -> None:
    event = tracked(
        shop, track("Products Searched", sku="t1", price=3.5, query="gift for Ada", url="https://x")
    )
    assert event.properties == {"sku": "t1", "price": 3.5}
    assert event.private == {"properties": {"query": "gift for Ada", "url": "https://x"}}


def test_a_name_is_clear_on_an_event_of_the_trade_alone(shop: Shop) -> None:
    assert tracked(shop, track("Product Viewed", name="Tea")).properties == {"name": "Tea"}
    assert tracked(shop, track("Form Filled", name="Ada")).private == {
        "properties": {"name": "Ada"}
    }


@pytest.mark.parametrize("value", ["ada@example.com", "x" * 201, {"a": 1}, ["a"]])
def test_what_is_not_plain_is_sealed_under_any_name(shop: Shop, value: object) -> None:
    event = tracked(shop, track("Product Viewed", category=value))
    assert event.properties == {}
    assert event.private == {"properties": {"category": value}}


def test_a_shop_allows_names_of_its_own(shop: Shop) -> None:
    allowed = Clear(properties=frozenset({"shelf"}))
    event = tracked(shop, track("Danced", shelf={"row": 3}, mood="glad"), clear=allowed)
    assert event.properties == {"shelf": {"row": 3}}
    assert event.private == {"properties": {"mood": "glad"}}


def test_products_are_dealt_line_by_line(shop: Shop) -> None:
    products = [{"sku": "t1", "engraving": "For Ada"}, {"sku": "t2"}]
    event = tracked(shop, track("Cart Viewed", products=products))
    assert event.properties == {"products": [{"sku": "t1"}, {"sku": "t2"}]}
    assert event.private == {"properties": {"products": [{"engraving": "For Ada"}, {}]}}


def test_of_the_context_pages_and_people_are_sealed(shop: Shop) -> None:
    context = {
        "campaign": {"source": "news", "name": "spring"},
        "device": {"type": "ios", "advertisingId": "7A43"},
        "page": {"url": "https://shop.example/?mail=ada@example.com"},
        "traits": {"email": "ada@example.com"},
        "ip": "203.0.113.77",
        "locale": "en-GB",
    }
    event = tracked(shop, {**track(), "context": context})
    assert event.context == {
        "campaign": {"source": "news", "name": "spring"},
        "device": {"type": "ios"},
        "ip": "203.0.113.0",
        "locale": "en-GB",
    }
    assert event.private == {
        "context": {
            "device": {"advertisingId": "7A43"},
            "page": context["page"],
            "traits": context["traits"],
        }
    }


@pytest.mark.parametrize(
    ("ip", "network"),
    [("203.0.113.77", "203.0.113.0"), ("2001:db8:a:b::1", "2001:db8:a::"), ("home", None)],
)
def test_an_address_is_cut_down_to_its_network(ip: str, network: str | None) -> None:
    assert cut(ip) == network


def test_pages_and_screens_are_told_by_name(shop: Shop) -> None:
    page = {"type": "page", "anonymousId": "a1", "name": "Home", "properties": {"path": "/"}}
    (viewed,) = shop.told(page)
    assert isinstance(viewed, PageViewed)
    assert (viewed.name, viewed.properties) == ("Home", {})
    assert viewed.private == {"properties": {"path": "/"}}
    (screen,) = shop.told({**page, "type": "screen", "name": "mail@ada.example"})
    assert isinstance(screen, ScreenViewed)
    assert screen.name is None
    assert screen.private == {"properties": {"path": "/"}, "name": "mail@ada.example"}


def test_a_message_sent_again_says_the_same(shop: Shop) -> None:
    message = {**track(price=3), "context": {"library": {"version": "1"}, "locale": "en"}}
    again = {
        "context": {"locale": "en", "library": {"version": "2"}, "retryCount": 1},
        **{name: value for name, value in message.items() if name != "context"},
        "sentAt": "2026-03-01T11:00:00Z",
        "writeKey": "hk_secret",
        "receivedAt": "2026-03-01T11:00:01Z",
    }
    first, second = content(shop, message), content(shop, again, sent_at="2026-03-01T11:30:00Z")
    assert (first.id, first.content) == (second.id, second.content)


@pytest.mark.parametrize(
    "other",
    [
        {"event": "Product Clicked"},
        {"properties": {"price": 4}},
        {"userId": "43"},
        {"timestamp": "2026-02-01"},
        {"context": {"locale": "de"}},
    ],
)
def test_a_message_that_says_another_thing_has_another_content(
    shop: Shop, other: dict[str, Any]
) -> None:
    first, second = content(shop, track(price=3)), content(shop, {**track(price=3), **other})
    assert first.id == second.id
    assert first.content != second.content


def test_a_batchs_context_lies_under_each_messages_own(shop: Shop) -> None:
    event = tracked(
        shop,
        {**track(), "context": {"locale": "en"}},
        context={"locale": "de", "timezone": "Europe/Berlin"},
    )
    assert event.context == {"locale": "en", "timezone": "Europe/Berlin"}


def test_the_original_is_kept_whole_without_the_write_key(shop: Shop) -> None:
    original = content(shop, {**track(note="hi"), "writeKey": "hk_secret"}).original
    assert b"hk_secret" not in original
    assert json.loads(original) == {"batch": [track(note="hi")]}


def test_an_original_can_be_translated_again(shop: Shop) -> None:
    message = {"userId": "42", "event": "Product Viewed", "timestamp": "2026-02-28T10:00:00Z"}
    heard = shop.hears(
        message, kind="track", sent_at="2026-02-28T10:30:00Z", context={"locale": "en"}
    )
    assert heard.message is not None
    sent = unpack(heard.message.original, "another")
    about = {name: getattr(sent, name) for name in ("kind", "sent_at", "context", "message_id")}
    assert shop.hears(sent.raw, **about) == heard


@pytest.mark.parametrize("raw", [b"{", b"\x00", b'{"batch":[]}', b'"text"', b"[" * 5000])
def test_what_was_refused_comes_back_as_it_was(raw: bytes) -> None:
    packed = pack_refused(Sent(raw=raw, message_id="m1", kind="track"))
    assert unpack(packed, "m1").raw == raw


def test_a_broken_message_does_not_cost_its_neighbours(shop: Shop) -> None:
    items = [
        b'{"type":"page"}',
        b'{"total":NaN}',
        b'{"text":"\\ud800, [\\"{"}',
        b'{"n":' + b"9" * 5_000 + b',"text":"\\udfff"}',
        b'{"n":' + b'{"a":' * 3_000 + b"1" + b"}" * 3_001,
        b'"]"',
    ]
    batch = open_batch(b' { "batch" : [' + b" ,\n".join(items) + b'], "sentAt":"now" } ')
    assert [bytes(item) for item in batch.batch] == items
    assert batch.sent_at == "now"
    assert shop


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", BrokenJson),
        (b'{"batch":[{]}', BrokenJson),
        (b"\xff", BrokenJson),
        (b"[]", WrongType),
        (b'{"batch":{}}', WrongType),
        (b'{"messages":[]}', WrongType),
        (b'{"batch":[],"context":' + b'{"a":' * 9_000 + b"1" + b"}" * 9_001, TooDeep),
        (b'{"batch":[{"a":NaN},{"a":}]}', BrokenJson),
        (b'{"batch":[{"a":NaN}]]}', BrokenJson),
        (b'{"batch":[NaN],"a":"' + b'\\"' * 200_000, BrokenJson),
        (b'{"batch":["' + b'\\"' * 200_000 + b"\\", BrokenJson),
        (b'{"batch":[' + b"{}," * 2_500 + b"{}]}", TooMany),
        (b'{"batch":[NaN' + b",{]}" * 2_500 + b"]}", BrokenJson),
        (b'{"batch":[NaN' + b",{1}" * 2_500 + b"]}", TooMany),  # not looked into
        (b'{"batch":[],"context":{"ip":"\\u0000"}}', BadText),
        (b'{"batch":[NaN],"context":{"a":"\\ud800"}}', BadText),
        (b'{"batch":[NaN],"context":' + b'{"a":' * 500 + b"1" + b"}" * 501, TooDeep),
        (b'{"batch":[NaN],"context":{"a":[' + b"NaN," * 3_000 + b"1]}}", SharedTooLarge),
        (b'{"batch":[],"context":{"note":"' + b"x" * 8_192 + b'"}}', SharedTooLarge),
    ],
)
def test_a_batch_that_is_none_is_refused_as_a_whole(body: bytes, refusal: type) -> None:
    with pytest.raises(refusal):
        open_batch(body)


def test_packing_names_what_the_envelope_said() -> None:
    sent = Sent(raw=b'{"a":1}', message_id="m1", kind="page", sent_at="2026")
    assert json.loads(pack(sent)) == {
        "batch": [{"a": 1}],
        "type": "page",
        "messageId": "m1",
        "sentAt": "2026",
    }
