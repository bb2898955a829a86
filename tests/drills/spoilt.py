"""Real messages, spoilt: what careless and hostile shops send, as hypothesis makes it up."""

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

import msgspec
from hypothesis import strategies as st

from api.ingest_docs import EXAMPLES
from tests.bench import story

_REFUND: Final = {
    "type": "track",
    "event": "Order Refunded",
    "userId": "c1",
    "properties": {"order_id": "1", "total": 5, "refund_id": "r1", "currency": "USD"},
}
_CONSENT: Final = {
    "type": "identify",
    "userId": "c2",
    "traits": {"consent": {"email": True}, "birthday": "1990-02-28", "phone": "+44 20 7946 0018"},
    "context": {"ip": "192.0.2.7", "campaign": {"name": "spring", "source": "x"}},
}
REAL: Final[tuple[dict[str, Any], ...]] = (
    *story.messages(
        60,
        customers=6,
        seed="hostile",
        ending=datetime(2026, 11, 1, tzinfo=UTC),
        lasting=timedelta(days=300),
    ),
    *({"type": kind, **example} for kind, example in EXAMPLES.items() if kind != "batch"),
    _REFUND,
    _CONSENT,
)

_RAW: Final = {
    "@nan@": "NaN",
    "@infinity@": "-Infinity",
    "@huge@": "1e400",
    "@tiny@": "1e-400",
    "@digits@": "9" * 5_000,
    "@precise@": "0." + "123456789" * 40,
    "@zero@": "-0.0",
    "@half@": '"\\ud800"',
    "@nul@": '"a\\u0000b"',
    "@twice@": '{"a":1,"a":{"a":2}}',
    "@deep@": "[" * 40 + "]" * 40,
    "@deeper@": '{"a":' * 5_000 + "1" + "}" * 5_000,
    "@spaces@": " \t\r\n 1 \n",
}
"""What stands in the JSON where no value of Python can: written instead of these words."""

NASTY: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 2**53, 2**63, -(2**63) - 1, 2**64, 10**30, -(10**30)),
    *(0.1, -0.1, 1e308, 5e-324, 1e17, 12345678901234567.5),
    *(
        "",
        " ",
        "null",
        "undefined",
        "-1",
        "0",
        "anonymous",
        "a" * 501,
        "é" * 300,
        "\u202e",
        "\ufeff",
    ),
    *(
        "\U0010ffff",
        "'; drop table log.fact; --",
        "${jndi:x}",
        "<script>",
        "../../etc/passwd",
        "%00",
    ),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999+14:00", "9999-12-31T23:59:59-23:59"),
    *("2026-13-45", "2026-W01-1", "1969-12-31", "1e9", "20261101T101500Z", "2026-11-20T25:00:00Z"),
    *("١٢٣", "1,5", "1_000", "0x10", "Infinity", "NaN", "1e999", "-5", "99999999999999999999.99"),
    *("XXX", "usd", "EUR", "JPY", "email", "sms", "unsubscribed", "true"),
    *([], {}, [[]], [None], [1, "a", {}], {"": 1}, {"a": {"b": [{"c": None}]}}, {"order_id": 1}),
    *(
        {"email": {"email": "a"}},
        ["a"] * 300,
        {"k" * 300: "v" * 300},
        {"x\n": "y"},
        {"__class__": 1},
    ),
    *_RAW,
)
NAMES: Final = (
    *("type", "messageId", "userId", "anonymousId", "previousId", "groupId", "event", "name"),
    *("properties", "traits", "context", "timestamp", "originalTimestamp", "sentAt", "receivedAt"),
    *(
        "channel",
        "category",
        "integrations",
        "writeKey",
        "order_id",
        "total",
        "revenue",
        "currency",
    ),
    *("products", "quantity", "price", "tax", "shipping", "discount", "coupon", "refund_id"),
    *("payment_id", "email", "phone", "birthday", "address", "consent", "kind", "company", "value"),
    *("reportedBy", "library", "ip", "campaign", "userAgent", "locale", "timezone", "", "\u0000"),
)
EVENTS: Final = (
    *("Order Completed", "Order Updated", "Order Refunded", "Order Cancelled", "Payment Received"),
    *("Product Viewed", "Coupon Applied", "Checkout Started", "Consent Given", "Order Shipped"),
    *("Order Placed", "Order Paid", "Order Delivered", "\u0000", "a" * 201, "é"),
)
_new: Final = count()
MEDIA: Final = (
    *("application/json", "application/json; charset=utf-16", "text/plain", "text/json", ""),
    *("application/xml", "application/vnd.x+json", "multipart/form-data", ";", "application/json,"),
)
ENCODINGS: Final = ("", "gzip", "x-gzip", "identity", "br", "gzip, gzip", "deflate", "GZIP")


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Return one event as JSON, or nearly: a real one with up to four things wrong."""
    message = _copied(draw(st.sampled_from(REAL)))
    message["messageId"] = _id(draw)
    for _ in range(draw(st.integers(0, 4))):
        _spoil(draw, message)
    text = json.dumps(message)
    for word, raw in _RAW.items():
        text = text.replace(f'"{word}"', raw)
    return text.encode()


def _id(draw: st.DrawFn) -> str:
    """Return an id, in one of ten cases one that others have too."""
    return f"h{draw(st.integers(0, 50)) if draw(st.integers(0, 9)) == 0 else 1_000 + next(_new)}"


def _spoil(draw: st.DrawFn, message: dict[str, Any]) -> None:
    nasty = _copied(draw(st.sampled_from(NASTY)))
    places = list(_places(message))
    holder, name = draw(st.sampled_from(places))
    match draw(st.integers(0, 6)):
        case 0:
            del holder[name]
        case 1 if isinstance(holder, dict):
            holder[draw(st.sampled_from(NAMES))] = nasty
        case 2 if isinstance(holder, dict):
            message["event"] = draw(st.sampled_from(EVENTS))
        case 3:
            holder[name] = [holder[name], nasty]
        case 4 if isinstance(holder, dict):
            other, taken = draw(st.sampled_from(places))
            holder[name] = _copied(other[taken])
        case _:
            holder[name] = nasty


def _copied(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _places(value: Any) -> Any:
    """Yield whatever can be exchanged: what holds it, and under which name or number."""
    if isinstance(value, dict | list):
        names: Any = value if isinstance(value, dict) else range(len(value))
        for name in names:
            yield value, name
            yield from _places(value[name])


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """Return an event whose bytes were harmed on their way."""
    raw = bytearray(draw(messages()))
    place = draw(st.integers(0, len(raw) - 1))
    match draw(st.integers(0, 4)):
        case 0:
            del raw[place:]
        case 1:
            raw[place : place + 1] = draw(st.binary(max_size=4))
        case 2:
            raw[place:place] = b"\xed\xa0\x80"
        case 3:
            raw[:0] = b"\xef\xbb\xbf"
        case _:
            raw += draw(st.sampled_from((b"\x00", b"}", b" {}", b"\n", b"\xff")))
    return bytes(raw)


def batches(size: int) -> st.SearchStrategy[list[bytes]]:
    """Make up what is sent together."""
    return st.lists(messages(), min_size=size, max_size=size)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, dict[str, str], bytes]:
    """Make up a request: its path, its headers, its body."""
    kinds = (*EXAMPLES, "t", "i", "b", "import", "nothing", "track%00", "é")
    kind = draw(st.sampled_from(kinds))
    body = draw(st.one_of(messages(), broken()))
    if kind in {"batch", "b", "import"}:
        body = b'{"batch":[' + body + b"]" + draw(st.sampled_from((b"}", b',"context":[]}', b"")))
    headers = {"Content-Type": draw(st.sampled_from(MEDIA))}
    encoding = draw(st.sampled_from(ENCODINGS))
    if encoding:
        headers["Content-Encoding"] = encoding
    if "gzip" in encoding.lower() and draw(st.booleans()):
        body = gzip.compress(body)[: draw(st.sampled_from((None, None, None, -4, 12)))]
    return f"/v1/{kind}", headers, body


_HEADERS: Final = (
    *("content-type", "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject"),
    *("huike-shop", "huike-source", "huike-currency", "huike-system", "CE_ID", "ce_data", "x"),
)
_WORDS: Final = (
    *(b"", b"1.0", b"0.3", b"application/json", b"application/cloudevents+json", b"text/xml"),
    *(
        b"track",
        b"com.example.identify",
        b"Order Completed",
        b"2026-11-01T00:00:00Z",
        b"9999-12-31",
    ),
    *(b"42", b"/erp", b"\xff\xfe", b"\x00", b"x" * 300, b"CNY", b"true", "é".encode(), b"null"),
)


@st.composite
def records(draw: st.DrawFn) -> tuple[bytes, Mapping[str, bytes]]:
    """Make up a record of the shops' topic: its value and its headers."""
    value = draw(st.one_of(messages(), messages(), broken(), st.binary(max_size=40)))
    headers: dict[str, bytes] = {}
    if draw(st.booleans()):
        words = (b"1.0", _id(draw).encode(), b"/erp", b"track")
        known = zip(_HEADERS[1:5], words, strict=True)
        headers.update(known)
    elif draw(st.booleans()):
        headers["content-type"] = b"application/cloudevents+json"
        envelope = {
            "specversion": "1.0",
            "id": _id(draw),
            "source": "/x",
            "type": "track",
        }
        if draw(st.booleans()):
            _spoil(draw, envelope)
        value = json.dumps(envelope).encode()[:-1] + b',"data":' + value + b"}"
    for name in draw(st.lists(st.sampled_from(_HEADERS), max_size=3)):
        headers[name] = draw(st.sampled_from(_WORDS))
    return value, headers


def is_json(raw: bytes) -> bool:
    """Tell whether an event can stand in a batch without costing its neighbours."""
    try:
        msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return False
    return True
