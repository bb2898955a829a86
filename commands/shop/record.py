"""What a record of the shops' topic holds: a tracking message, or a CloudEvent around one.

A CloudEvent's data is a tracking message when it has a `type` of one, or when the event's type ends
with one (`com.example.identify`). Otherwise it is something that happened: the event's type is its
name, its data the properties, and its subject the userId, unless the data names a userId or an
anonymousId itself.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from commands.shop.contract import DEPTH, EVENT_BYTES, KINDS, Sent
from commands.shop.refusals import (
    BrokenJson,
    NotACloudEvent,
    TooDeep,
    TooLarge,
    TornRecord,
    WrongMedia,
    WrongType,
)

STRUCTURED: Final = "application/cloudevents+json"

_ENVELOPE_BYTES: Final = 16 * 1024
"""What a structured CloudEvent may have around its data."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it stands in its topic; `time` in milliseconds, header names in small letters.

    `torn` says why nobody can take it apart; `value` is then what could be had of it.
    """

    topic: str
    partition: int
    offset: int
    time: int
    headers: Mapping[str, str]
    value: bytes
    torn: str | None = None

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset}"

    @property
    def fingerprint(self) -> str:
        """Say which record this is, even after the topic was made anew."""
        return f"{self.place} {self.time} {hashlib.sha256(self.value).hexdigest()}"


_NO_DATA: Final = msgspec.Raw(b"")


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a CloudEvent that mean something here."""

    id: str
    source: str
    type: str
    specversion: str
    time: str | None = None
    subject: str | None = None
    datacontenttype: str | None = None
    data: msgspec.Raw = _NO_DATA
    data_base64: str | None = None


class _Data(msgspec.Struct, frozen=True):
    type: Any = None
    user_id: Any = msgspec.field(default=None, name="userId")
    anonymous_id: Any = msgspec.field(default=None, name="anonymousId")


class _Happened(msgspec.Struct, frozen=True, omit_defaults=True):
    type: str
    event: str
    properties: msgspec.Raw
    user_id: Any = msgspec.field(default=None, name="userId")
    anonymous_id: Any = msgspec.field(default=None, name="anonymousId")


_cloud_event: Final = msgspec.json.Decoder(CloudEvent)
_data: Final = msgspec.json.Decoder(_Data)
_encode: Final = msgspec.json.Encoder().encode


def message_of(record: Record) -> Sent:
    """Return the message in a record. Raises a NotTaken that says what is wrong with it."""
    if record.torn is not None:
        raise TornRecord(why=record.torn)
    if len(record.value) > EVENT_BYTES + _ENVELOPE_BYTES:
        raise TooLarge(limit=EVENT_BYTES, size=len(record.value))
    media = record.headers.get("content-type", "")
    if media.startswith(STRUCTURED):
        return _of_cloud_event(_structured(record.value))
    if not _is_json(media):
        raise WrongMedia
    if "ce_specversion" in record.headers or "ce_id" in record.headers:
        return _of_cloud_event(_binary(record))
    return Sent(raw=record.value, message_id=record.fingerprint)


def _is_json(media: str) -> bool:
    plain = media.partition(";")[0].strip().lower()
    return plain in {"", "application/json", "text/json"} or plain.endswith("+json")


def _structured(value: bytes) -> CloudEvent:
    try:
        return _cloud_event.decode(value)
    except msgspec.ValidationError as error:
        raise NotACloudEvent(why=str(error)) from error
    except RecursionError as error:
        raise TooDeep(limit=DEPTH) from error
    except ValueError as error:
        raise BrokenJson from error


def _binary(record: Record) -> CloudEvent:
    said = {
        name.removeprefix("ce_"): value
        for name, value in record.headers.items()
        if name.startswith("ce_")
    }
    said.pop("data", None)
    try:
        event = msgspec.convert(said, CloudEvent)
    except msgspec.ValidationError as error:
        raise NotACloudEvent(why=str(error)) from error
    return msgspec.structs.replace(event, data=msgspec.Raw(record.value), data_base64=None)


def _of_cloud_event(event: CloudEvent) -> Sent:
    if event.specversion != "1.0":
        raise NotACloudEvent(why="its specversion is another")
    if not (event.id and event.source and event.type):
        raise NotACloudEvent(why="its id, source or type is empty")
    if not _is_json(event.datacontenttype or ""):
        raise WrongMedia
    raw = _data_of(event)
    kind = _kind(event, raw)
    return Sent(
        raw=raw if kind else _happened(event, raw),
        kind=kind,
        message_id=f"{event.source} {event.id}",
        timestamp=event.time,
    )


def _data_of(event: CloudEvent) -> bytes:
    if event.data_base64 is not None:
        try:
            return base64.b64decode(event.data_base64, validate=True)
        except (binascii.Error, ValueError) as error:
            raise NotACloudEvent(why="its data_base64 is none") from error
    raw = bytes(event.data)
    if not raw:
        raise NotACloudEvent(why="it has no data")
    return raw


def _read(raw: bytes) -> _Data:
    try:
        return _data.decode(raw)
    except msgspec.ValidationError as error:
        raise WrongType(why=str(error)) from error
    except RecursionError as error:
        raise TooDeep(limit=DEPTH) from error
    except ValueError as error:
        raise BrokenJson from error


def _kind(event: CloudEvent, raw: bytes) -> str | None:
    """Return the type of the tracking message that the data is, None when it is none."""
    own = _read(raw).type
    if isinstance(own, str) and own in KINDS:
        return own
    last = event.type.rpartition(".")[2].lower()
    return last if last in KINDS else None


def _happened(event: CloudEvent, raw: bytes) -> bytes:
    data = _read(raw)
    named = data.user_id is not None or data.anonymous_id is not None
    return _encode(
        _Happened(
            type="track",
            event=event.type,
            properties=msgspec.Raw(raw),
            user_id=data.user_id if named else event.subject,
            anonymous_id=data.anonymous_id,
        )
    )
