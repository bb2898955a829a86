"""What stands in a record of the shops' topic: a tracking message, or a CloudEvent around one."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.shop import NotTaken, Sent
from commands.shop.record import STRUCTURED, Record, message_of
from domain.activity.events import Identified, Tracked
from domain.order.events import OrderPlaced
from tests.commands.shop.shops import Shop, track

BINARY = {
    "ce_specversion": "1.0",
    "ce_id": "7",
    "ce_source": "/erp",
    "ce_type": "com.example.track",
    "ce_time": "2026-02-28T10:00:00Z",
    "content-type": "application/json",
}


def record(value: object, headers: dict[str, str] | None = None, **place: Any) -> Record:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    about = {"topic": "shop.events", "partition": 0, "offset": 5, "time": 1, **place}
    return Record(value=raw, headers=headers or {}, **about)


def structured(**attributes: Any) -> Record:
    event = {"specversion": "1.0", "id": "7", "source": "/erp", "type": "Danced", **attributes}
    return record(event, {"content-type": STRUCTURED})


def told(shop: Shop, heard: Record) -> list[Any]:
    sent = message_of(heard)
    about = {field: getattr(sent, field) for field in Sent.__struct_fields__ if field != "raw"}
    return shop.told(sent.raw, **about)


def code(heard: Record) -> str:
    with pytest.raises(NotTaken) as refusal:
        message_of(heard)
    return refusal.value.code


def test_a_plain_record_is_a_tracking_message() -> None:
    sent = message_of(record(track()))
    assert json.loads(sent.raw) == track()
    assert sent.kind is None


def test_without_an_id_its_place_and_content_are_its_id() -> None:
    names = {
        message_of(one).message_id
        for one in (
            record(track()),
            record(track(), partition=1),
            record(track(), offset=6),
            record(track(), time=2),
            record(track(price=1)),
        )
    }
    assert len(names) == 5
    assert message_of(record(track())).message_id in names, "and the same when it comes again"


def test_a_binary_cloud_event_holds_a_tracking_message(shop: Shop) -> None:
    data = {"userId": "42", "event": "Product Viewed"}
    (viewed,) = told(shop, record(data, BINARY))
    assert isinstance(viewed, Tracked)
    sent = message_of(record(data, BINARY))
    assert (sent.kind, sent.message_id, sent.timestamp) == (
        "track",
        "/erp 7",
        "2026-02-28T10:00:00Z",
    )


def test_the_datas_own_type_counts_before_the_events(shop: Shop) -> None:
    data = {"type": "identify", "userId": "42"}
    assert isinstance(told(shop, record(data, {**BINARY, "ce_type": "crm.changed"}))[0], Identified)


def test_a_structured_cloud_event_holds_a_tracking_message(shop: Shop) -> None:
    encoded = base64.b64encode(json.dumps(track()).encode()).decode()
    for event in (structured(data=track()), structured(data_base64=encoded)):
        (viewed,) = told(shop, event)
        assert isinstance(viewed, Tracked)
        assert viewed.name == "Product Viewed"


def test_any_other_cloud_event_happened_to_its_subject(shop: Shop) -> None:
    event = structured(
        type="Order Placed", subject="42", data={"order_id": "o1", "total": 0.1, "currency": "EUR"}
    )
    happened, placed = told(shop, event)
    assert isinstance(happened, Tracked)
    assert happened.name == "Order Placed"
    assert isinstance(placed, OrderPlaced)
    assert str(placed.total) == "0.1"
    sent = message_of(event)
    assert json.loads(sent.raw)["userId"] == "42"


def test_who_is_named_in_the_data_counts_before_the_subject() -> None:
    sent = message_of(structured(subject="order 7", data={"anonymousId": "a1"}))
    assert json.loads(sent.raw) == {
        "type": "track",
        "event": "Danced",
        "anonymousId": "a1",
        "properties": {"anonymousId": "a1"},
    }


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        (record(b"{", {"content-type": STRUCTURED}), "broken-json"),
        (record(b"{}", {"content-type": STRUCTURED}), "not-a-cloudevent"),
        (structured(data={}, specversion="0.3"), "not-a-cloudevent"),
        (structured(data={}, id=""), "not-a-cloudevent"),
        (structured(data={}, time=5), "not-a-cloudevent"),
        (structured(), "not-a-cloudevent"),
        (structured(data_base64="~"), "not-a-cloudevent"),
        (structured(data=[1]), "wrong-type"),
        (structured(data={}, datacontenttype="text/xml"), "wrong-content-type"),
        (record(b"{}", {"ce_id": "7"}), "not-a-cloudevent"),
        (record(b"{", BINARY), "broken-json"),
        (record(b"<a/>", {"content-type": "text/xml"}), "wrong-content-type"),
        (record(b'{"a":' + b"[" * 20_000, BINARY), "too-deep"),
        (structured(data=None), "wrong-type"),
        (record(b" " * 50_000), "too-large"),
    ],
)
def test_what_is_no_message_is_refused(heard: Record, expected: str) -> None:
    assert code(heard) == expected


@given(
    value=st.binary() | st.dictionaries(st.text(), st.text()).map(json.dumps).map(str.encode),
    headers=st.dictionaries(
        st.sampled_from([*BINARY, "ce_subject", "ce_data"]),
        st.sampled_from(["1.0", STRUCTURED, "application/json", "", "identify"]) | st.text(),
    ),
)
def test_whatever_stands_in_a_record_is_a_message_or_refused(
    value: bytes, headers: dict[str, str]
) -> None:
    try:
        sent = message_of(record(value, headers))
    except NotTaken:
        return
    assert isinstance(sent, Sent)
