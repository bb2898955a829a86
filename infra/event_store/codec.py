"""Rows of the log: packed as PostgreSQL's binary COPY sends them, unpacked as facts.

The packed row is also what the chain is made over: a 16-bit field count, then for each column a
32-bit length (-1: null) and the value in PostgreSQL's binary format, all big-endian.
"""

import struct
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg

from domain.shared.events import Event, Fact, Unreadable, decode
from domain.shared.personal import Sealer

COLUMNS: Final = (
    "position, stream, version, type, type_version, shop, source, origin, subject, occurred_at, "
    "recorded_at, actor_kind, actor_id, correlation, causation, body"
)

COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
COPY_TRAILER: Final = b"\xff\xff"

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_HEAD: Final = struct.Struct("!hiqi16sii").pack
_TIMES: Final = struct.Struct("!iqiq").pack
_INT: Final = struct.Struct("!i").pack
_SHORT: Final = struct.Struct("!ih").pack
_UUID_LENGTH: Final = _INT(16)
_NULL: Final = _INT(-1)


def text(value: str) -> bytes:
    raw = value.encode()
    return _INT(len(raw)) + raw


def uuid(value: UUID | None) -> bytes:
    return _NULL if value is None else _UUID_LENGTH + value.int.to_bytes(16)


def octets(value: bytes | None) -> bytes:
    return _NULL if value is None else _INT(len(value)) + value


def microseconds(moment: datetime) -> int:
    """Return an instant as PostgreSQL counts: microseconds since 2000-01-01 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def instant(count: int) -> datetime | None:
    """Return the instant of so many microseconds; None: no clock shows it."""
    try:
        return _EPOCH + count * _MICROSECOND
    except OverflowError:
        return None


def two_texts(left: str, right: str) -> bytes:
    return text(left) + text(right)


def type_chunk(name: str, version: int) -> bytes:
    return text(name) + _SHORT(2, version)


def pack_fact(  # one column after the other
    position: int,
    stream: UUID,
    version: int,
    type_and_version: bytes,
    shop_and_source: bytes,
    origin_and_subject: bytes,
    occurred: int,
    recorded: int,
    cause: bytes,
    body: bytes,
) -> bytes:
    """Return one row of `log.fact`; the chunks are columns packed before."""
    return b"".join(
        (
            _HEAD(16, 8, position, 16, stream.int.to_bytes(16), 4, version),
            type_and_version,
            shop_and_source,
            origin_and_subject,
            _TIMES(8, occurred, 8, recorded),
            cause,
            _INT(len(body)),
            body,
        )
    )


_ORIGINAL: Final = struct.Struct("!hiqiq").pack


def pack_original(
    position: int, recorded: int, origin: UUID | None, shop_and_source: bytes, sealed: bytes
) -> bytes:
    """Return one row of `log.original`."""
    return b"".join(
        (
            _ORIGINAL(6, 8, position, 8, recorded),
            uuid(origin),
            shop_and_source,
            _INT(len(sealed)),
            sealed,
        )
    )


_STREAM: Final = struct.Struct("!hi16sii").pack


def pack_stream(number: int, version: int, origin: UUID | None, content: bytes | None) -> bytes:
    """Return one row of `log.stream`."""
    return _STREAM(4, 16, number.to_bytes(16), 4, version) + uuid(origin) + octets(content)


_LENGTH: Final = struct.Struct("!i").unpack_from
_LONG: Final = struct.Struct("!q").unpack_from
_BEFORE_RECORDED: Final = COLUMNS.split(", ").index("recorded_at")


def recorded_of(row: bytes | bytearray | memoryview) -> int:
    """Return when a packed row was recorded, as `microseconds` counts."""
    at = 2
    for _ in range(_BEFORE_RECORDED):
        at += 4 + max(_LENGTH(row, at)[0], 0)
    return int(_LONG(row, at + 4)[0])


def fact_of(row: tuple[Any, ...], sealer: Sealer | None) -> Fact:
    """Return the fact of a row of COLUMNS; its event is Unreadable where it cannot be decoded."""
    return Fact(
        position=row[0],
        stream=row[1],
        version=row[2],
        type=row[3],
        shop=row[5],
        source=row[6],
        origin=row[7],
        subject=row[8],
        occurred_at=row[9],
        recorded_at=row[10],
        actor_kind=row[11],
        actor_id=row[12],
        correlation=row[13],
        causation=row[14],
        event=event_of(row[3], row[4], row[15], row[1], row[7], sealer),
    )


def event_of(  # a stored row has as many parts
    type_: str, version: int, body: bytes, stream: UUID, origin: UUID | None, sealer: Sealer | None
) -> Event:
    """Return the event of a stored row, Unreadable whatever it is that cannot be decoded."""
    try:
        return decode(type_, version, body, stream, origin, sealer)
    except psycopg.Error:
        raise  # the key's server was lost: no fault of the fact
    except Exception as error:  # noqa: BLE001  # an upcast may fail in any way
        return Unreadable(version=version, body=body, why=str(error) or type(error).__name__)
