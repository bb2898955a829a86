"""How messages travel: a batch taken apart, one message with what its envelope said, packed."""

from typing import Any, Final

import msgspec

from commands.shop.apart import fields_of, items_of, loosely
from commands.shop.contract import BATCH_EVENTS, DEPTH, SHARED_BYTES, Sent, inspect
from commands.shop.refusals import BadText, SharedTooLarge, TooDeep, TooMany, WrongType


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch's envelope, its messages still as they came."""

    batch: list[msgspec.Raw]
    context: dict[str, Any] | None = None
    sent_at: Any = msgspec.field(default=None, name="sentAt")
    write_key: Any = msgspec.field(default=None, name="writeKey")


class Packed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message with what its envelope said: how originals and refused messages are kept.

    Read as JSON it is a batch of one, with `type`, `messageId` and `timestamp` where the door said
    them.
    """

    batch: tuple[msgspec.Raw]
    type: str | None = None
    message_id: str | None = msgspec.field(default=None, name="messageId")
    timestamp: str | None = None
    sent_at: str | None = msgspec.field(default=None, name="sentAt")
    context: dict[str, Any] | None = None


_batch: Final = msgspec.json.Decoder(Batch)
_packed: Final = msgspec.json.Decoder(Packed)
_encode: Final = msgspec.json.Encoder().encode
_any_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raw: Final = msgspec.json.Decoder(msgspec.Raw)


def open_quickly(body: bytes) -> Batch | None:
    """Take a batch apart; None when strict reading refuses it as a whole.

    Raises WrongType, TooMany, BadText, NotANumber, TooDeep, SharedTooLarge.
    """
    try:
        batch = _batch.decode(body)
    except msgspec.ValidationError as error:
        raise WrongType(why=str(error)) from error
    except (ValueError, RecursionError):
        return None
    return _within_bounds(batch)


def open_carefully(body: bytes) -> Batch:
    """Take a batch apart of which not all can be read: takes up to half a second.

    One broken message must not cost its neighbours: what strict reading refuses as a whole (NaN, as
    some languages write it, half a surrogate pair, a number without end, what is nested thousands
    deep) is taken apart unread. What is no JSON at all stays refused as a whole.
    Raises BrokenJson, WrongType, TooMany, BadText, NotANumber, TooDeep, SharedTooLarge.
    """
    fields = fields_of(body)
    items = items_of(fields.pop("batch", b""), BATCH_EVENTS)
    try:
        envelope = {name: loosely(value) for name, value in fields.items()}
        batch = msgspec.convert(
            {**envelope, "batch": [msgspec.Raw(item) for item in items]}, Batch, str_keys=True
        )
    except msgspec.ValidationError as error:
        raise WrongType(why=str(error)) from error
    except RecursionError as error:
        raise TooDeep(limit=DEPTH) from error
    return _within_bounds(batch)


def _within_bounds(batch: Batch) -> Batch:
    if len(batch.batch) > BATCH_EVENTS:
        raise TooMany(limit=BATCH_EVENTS, count=len(batch.batch))
    if batch.context:
        if (size := _size_of(batch.context)) > SHARED_BYTES:
            raise SharedTooLarge(limit=SHARED_BYTES, size=size)
        inspect(batch.context)
    return batch


def _size_of(context: dict[str, Any]) -> int:
    try:
        return len(_encode(context))
    except UnicodeEncodeError as error:
        raise BadText from error
    except RecursionError as error:
        raise TooDeep(limit=DEPTH) from error


def pack(sent: Sent, *, named: bool = False, secret: bool = False) -> bytes:
    """Write a message down with what its envelope said.

    `named`: it has a messageId of its own; `secret`: it holds a write key, which is left out.
    """
    raw = without_key(sent.raw) if secret else sent.raw
    return _encode(
        Packed(
            batch=(msgspec.Raw(raw),),
            type=sent.kind,
            message_id=None if named else sent.message_id,
            timestamp=sent.timestamp,
            sent_at=sent.sent_at,
            context=sent.context,
        )
    )


def pack_refused(sent: Sent) -> bytes:
    """Write down a message that may not even be JSON."""
    try:
        _raw.decode(sent.raw)
    except (ValueError, RecursionError):
        return sent.raw
    return pack(sent, secret=b'"writeKey"' in sent.raw)


def unpack(packed: bytes, message_id: str) -> Sent:
    """Read what `pack` or `pack_refused` wrote; `message_id` is for one that has none."""
    try:
        kept = _packed.decode(packed)
        raw = bytes(kept.batch[0])
    except (ValueError, RecursionError, TypeError):
        return Sent(raw=packed, message_id=message_id)
    return Sent(
        raw=raw,
        kind=kept.type,
        message_id=kept.message_id or message_id,
        timestamp=kept.timestamp,
        sent_at=kept.sent_at,
        context=kept.context,
    )


def without_key(raw: bytes) -> bytes:
    """Return a message without its write key: a secret is not kept, not even sealed."""
    try:
        fields = _any_object.decode(raw)
    except (ValueError, RecursionError):
        return raw
    if fields.pop("writeKey", None) is None:
        return raw
    return _encode(fields)
