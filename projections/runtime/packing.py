"""Rows as Postgres takes them in one parameter: an array of records, in binary.

A field of a record is the OID of its type, a 32-bit length (-1: null) and the value in PostgreSQL's
binary format; everything is big-endian. Many rows are so changed by one statement, without a
temporary table, whose emptying at each commit costs a small batch more than all the rest.
"""

import struct
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache, partial
from itertools import repeat
from typing import Any, Final, NamedTuple, cast

import psycopg
from psycopg import postgres
from psycopg.adapt import Dumper, PyFormat, Transformer
from psycopg.pq import Format

Pack = Callable[[Any], bytes]

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_FIRST_DAY: Final = date(2000, 1, 1)
_MICROSECOND: Final = timedelta(microseconds=1)

BEGIN: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END: Final = b"\xff\xff"
"""What a `COPY` in the binary format begins and ends with."""

_SHORT: Final = struct.Struct("!h").pack
_INT: Final = struct.Struct("!i").pack
_NULL: Final = _INT(-1)
_RECORD: Final = struct.Struct("!ii").pack  # bytes, fields

_FIXED: Final = {"smallint": ("h", 2), "integer": ("i", 4), "bigint": ("q", 8)}
_RAW: Final[dict[str, Pack]] = {
    "date": lambda v: _INT((v - _FIRST_DAY).days),
    "bytea": lambda v: v,
    "numeric": cast("Pack", Transformer().get_dumper(Decimal(0), PyFormat.BINARY).dump),
}

_TEXTS: Final = 1_000
"""Texts of a column that are kept packed: names of kinds and states come again and again."""


class Raw(NamedTuple):
    """A parameter that is packed already; the statement says by a cast of which type it is."""

    packed: bytes


class _RawDumper(Dumper):
    format = Format.BINARY
    oid = 0

    def dump(self, obj: Raw) -> bytes:
        return obj.packed


def takes_raw(connection: psycopg.Connection[Any]) -> None:
    """Let a connection take parameters that are packed already."""
    connection.adapters.register_dumper(Raw, _RawDumper)


class Field:
    """One column: how its values are packed, and how a null is."""

    def __init__(self, type_: str, *, named: bool = True) -> None:
        """`named`: with the OID, as in a record."""
        oid = postgres.types.get_oid(type_)
        before = struct.pack("!I", oid) if named else b""
        self.pack: Final = _packer(type_, oid, before)
        self.null: Final = before + _NULL

    def all(self, values: Iterable[Any]) -> list[bytes]:
        pack, null = self.pack, self.null
        return [null if value is None else pack(value) for value in values]


def records(oid: int, fields: Sequence[Field], columns: Sequence[Collection[Any] | None]) -> Raw:
    """Return rows, given by columns, as an array of records of a type (None: all null)."""
    count = next(len(column) for column in columns if column is not None)
    parts: list[Iterable[bytes]] = []
    nulls = b""
    for field, column in zip(fields, columns, strict=True):
        if column is None:
            nulls += field.null
            continue
        if nulls:
            parts.append(repeat(nulls))
            nulls = b""
        parts.append(field.all(column))
    if nulls:
        parts.append(repeat(nulls))
    rows = map(b"".join, zip(*parts))  # noqa: B905  # nulls go on for ever
    several = len(fields)
    elements = [_RECORD(len(row) + 4, several) + row for row in rows]
    return Raw(_array_of(oid, count, elements))


def tuples(types: Sequence[str], columns: Iterable[Iterable[Any]]) -> list[bytes]:
    """Return rows, given by columns, as `COPY` takes them, to be sent between BEGIN and END.

    They sort by their first column, then by the second, if these are uuids or instants.
    """
    before = _SHORT(len(types))
    parts = [_fields(t).all(column) for t, column in zip(types, columns, strict=True)]
    return [before + b"".join(row) for row in zip(*parts, strict=True)]


_fields: Final = cache(partial(Field, named=False))


def array(type_: str, values: Sequence[Any]) -> Raw:
    """Return values (None: null) as an array of a Postgres type."""
    elements = _fields(type_).all(values)
    return Raw(_array_of(postgres.types.get_oid(type_), len(elements), elements))


def _array_of(oid: int, count: int, elements: Iterable[bytes]) -> bytes:
    return struct.pack("!iiIii", 1, 1, oid, count, 1) + b"".join(elements)


class _Texts(dict[str, bytes]):
    def __init__(self, before: bytes) -> None:
        self._before = before

    def __missing__(self, text: str) -> bytes:
        raw = text.encode()
        packed = self._before + _INT(len(raw)) + raw
        if len(self) < _TEXTS:
            self[text] = packed
        return packed


def _uuids(before: bytes) -> Pack:
    return lambda value: before + value.int.to_bytes(16)


def _instants(before: bytes) -> Pack:
    pack = struct.Struct(f"!{len(before)}sq").pack
    return lambda value: pack(before, (value - _EPOCH) // _MICROSECOND)


_SIZED: Final = {"uuid": (16, _uuids), "timestamp with time zone": (8, _instants)}


def _packer(type_: str, oid: int, before: bytes) -> Pack:
    if type_.endswith("[]"):
        return _array(type_.removesuffix("[]"), before)
    if type_ in _FIXED:
        letter, size = _FIXED[type_]
        return partial(struct.Struct(f"!{len(before)}si{letter}").pack, before, size)
    if type_ in _SIZED:
        size, packer = _SIZED[type_]
        return packer(before + _INT(size))
    if type_ == "boolean":
        return {v: before + _INT(1) + bytes([v]) for v in (False, True)}.__getitem__
    if type_ == "text":
        return _Texts(before).__getitem__
    raw_of = _RAW.get(type_) or _by_psycopg(oid)
    return lambda value: before + _INT(len(raw := raw_of(value))) + raw


def _array(element: str, before: bytes) -> Pack:
    oid = postgres.types.get_oid(element)
    inner = Field(element, named=False)
    none = before + _INT(12) + struct.pack("!iiI", 0, 0, oid)

    def whole(values: Sequence[Any]) -> bytes:
        if not values:
            return none
        raw = _array_of(oid, len(values), inner.all(values))
        return before + _INT(len(raw)) + raw

    return whole


def _by_psycopg(oid: int) -> Pack:
    """Leave a type that is rare in views to psycopg."""
    dumpers = Transformer()
    dumpers.set_dumper_types([oid], Format.BINARY)

    def raw_of(value: Any) -> bytes:
        (raw,) = dumpers.dump_sequence([value], [PyFormat.BINARY])
        assert raw is not None  # nulls are packed elsewhere
        return bytes(raw)

    return raw_of
