"""What a shop may send: tracking messages in the shape of Segment's SDKs, read and judged."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any, Final, Never

import msgspec

from commands.shop.apart import fields_of, loosely
from commands.shop.clear import Clear
from commands.shop.refusals import (
    BadText,
    BadTime,
    BrokenJson,
    HugeNumber,
    ImpossibleTime,
    NotANumber,
    NotTaken,
    TooDeep,
    TooLarge,
    WrongType,
)
from domain.shared.log import Actor

EVENT_BYTES: Final = 32 * 1024
BATCH_BYTES: Final = 500 * 1024
BATCH_EVENTS: Final = 2_500
SHARED_BYTES: Final = 8 * 1024
"""What a batch's `context` may have: it is written down with each of its events."""
MESSAGE_ID_CHARACTERS: Final = 100
DEPTH: Final = 32

KINDS: Final = frozenset({"identify", "track", "page", "screen", "group", "alias"})

TRANSPORT: Final = frozenset({"library", "retryCount"})
"""Parts of `context` that may differ when a message is sent again."""

_DIGITS: Final = 400
"""More has no number that anybody counts with."""
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOBODY: Final = frozenset({"", "null", "anonymous", "-1", "undefined"})
_ZEROS: Final = re.compile(r"[0-]*")

Text = str | int | None


class Unread(Exception):
    """A body that strict reading refuses may still be read with patience."""


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message came in: whose it is, who brought it and when.

    `system`: a machine of the shop reports (an ERP); what it says is not the customer's activity.
    """

    shop: str
    source: str
    actor: Actor
    received_at: datetime
    currency: str = "USD"
    system: bool = False
    clear: Clear = Clear()
    correlation: str = ""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One message as it came, and what its envelope says about it.

    `raw` is its JSON; `kind` its type where the door says it (a path); `context` and `sent_at` are
    its batch's; `message_id` and `timestamp` count where it has none of its own.
    """

    raw: bytes
    message_id: str
    kind: str | None = None
    context: dict[str, Any] | None = None
    sent_at: str | None = None
    timestamp: str | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A message as Segment's SDKs write it. What is not named here stays in the original alone."""

    type: str | None = None
    message_id: Text = None
    user_id: Text = None
    anonymous_id: Text = None
    previous_id: Text = None
    group_id: Text = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None
    channel: str | None = None
    timestamp: str | None = None
    original_timestamp: str | None = None
    sent_at: Any = None
    received_at: Any = None
    write_key: Any = None


class _Exact(msgspec.Struct, frozen=True):
    properties: dict[str, Any] | None = None


class _Shown(msgspec.Struct, frozen=True):
    write_key: Any = msgspec.field(default=None, name="writeKey")


_shown: Final = msgspec.json.Decoder(_Shown)
_message: Final = msgspec.json.Decoder(Message)
_exact: Final = msgspec.json.Decoder(_Exact, float_hook=Decimal)


def read(raw: bytes) -> Message:
    """Return the message. Raises a NotTaken that says what is wrong with it."""
    if len(raw) > EVENT_BYTES:
        raise TooLarge(limit=EVENT_BYTES, size=len(raw))
    try:
        message = _message.decode(raw)
        if raw.count(b"{") + raw.count(b"[") > DEPTH or b"\\u0000" in raw:
            inspect(msgspec.json.decode(raw))  # also what the contract does not name
        elif not raw.isascii():
            raw.decode()
    except msgspec.ValidationError as error:
        if "out of range" in str(error):
            raise HugeNumber from error
        raise WrongType(why=str(error)) from error
    except RecursionError as error:
        raise TooDeep(limit=DEPTH) from error
    except ValueError:  # not JSON, or not UTF-8
        _explain(raw)
    return message


def write_key_of(body: bytes) -> str | None:
    """Return the write key in a body, None when there is none. Raises Unread."""
    try:
        key = _shown.decode(body).write_key
    except msgspec.ValidationError:
        return None
    except (ValueError, RecursionError) as error:
        raise Unread from error
    return _key(key)


def write_key_of_unread(body: bytes) -> str | None:
    """Return the write key in a body that strict reading refuses: takes up to half a second.

    Raises BrokenJson.
    """
    raw = fields_of(body).get("writeKey", b"null")
    try:
        return _key(loosely(raw))
    except RecursionError as error:
        raise BrokenJson from error


def _key(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def exact_properties(raw: bytes) -> dict[str, Any]:
    """Return the properties of a message that was read, with decimals where it has fractions."""
    return _exact.decode(raw).properties or {}


def inspect(value: Any) -> None:
    """Raise TooDeep, BadText or NotANumber for a value that cannot be kept."""
    level = [value]
    depth = 0
    while level:
        if depth > DEPTH:
            raise TooDeep(limit=DEPTH)
        below: list[Any] = []
        for part in level:
            if isinstance(part, dict):
                below.extend(part)
                below.extend(part.values())
            elif isinstance(part, list):
                below.extend(part)
            elif isinstance(part, str) and not _is_text(part):
                raise BadText
            elif isinstance(part, float) and not isfinite(part):
                raise NotANumber
        level = below
        depth += 1


def _is_text(value: str) -> bool:
    if "\x00" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _explain(raw: bytes) -> Never:
    """Find out why strict reading failed, with a reader that takes more."""
    try:
        value = json.loads(raw, parse_constant=_not_a_number, parse_int=_whole)
        inspect(value)
    except NotTaken:
        raise
    except RecursionError as error:
        raise TooDeep(limit=DEPTH) from error
    except ValueError as error:
        raise BrokenJson from error
    raise BrokenJson


def _whole(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise HugeNumber
    return int(digits)


def _not_a_number(_: str) -> Never:
    raise NotANumber


def is_nobody(id: str) -> bool:
    """Tell an id that shops send when they do not know who it is."""
    plain = id.strip().lower()
    return plain in _NOBODY or _ZEROS.fullmatch(plain) is not None


def moment(message: Message, sent: Sent, received_at: datetime) -> datetime:
    """Return when it happened, by the receiver's clock: never after it was received.

    receivedAt - (sentAt - originalTimestamp), where the message says all of them; `timestamp`
    stands in for a missing originalTimestamp. Who received it before us and says so (a forwarded
    or archived message) counts as the receiver. Times without a zone are UTC.
    Raises BadTime, ImpossibleTime.
    """
    said = message.original_timestamp or message.timestamp or sent.timestamp
    if not said:
        return received_at
    what = "originalTimestamp" if message.original_timestamp else "timestamp"
    happened = instant(said, what)
    left = _lenient(message.sent_at) or _lenient(sent.sent_at)
    if left is None:
        if message.original_timestamp and message.timestamp:
            happened = instant(message.timestamp, "timestamp")
    else:
        first = _lenient(message.received_at)
        received = first if first is not None and first <= received_at else received_at
        happened = _shifted(received, left - happened)
    if happened < _EARLIEST:
        raise ImpossibleTime
    return min(happened, received_at)


def _shifted(received: datetime, age: timedelta) -> datetime:
    try:
        return received - age
    except OverflowError:
        if age > timedelta(0):
            raise ImpossibleTime from None
        return received


def instant(text: str, what: str) -> datetime:
    """Read a time in ISO 8601. Raises BadTime, ImpossibleTime."""
    try:
        parsed = datetime.fromisoformat(text.upper())  # "t" and "z" are ISO 8601 too
    except ValueError as error:
        raise BadTime(what=what) from error
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    try:
        parsed = parsed.astimezone(UTC)
    except OverflowError:
        parsed = parsed.replace(tzinfo=UTC)
    if parsed < _EARLIEST:
        raise ImpossibleTime
    return parsed


def _lenient(text: Any) -> datetime | None:
    """Read a time of the transport; one that cannot be read says nothing."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return instant(text, "")
    except NotTaken:
        return None
