"""Arrays as parameters of queries, packed at once: psycopg packs a list value by value."""

import struct
from collections.abc import Collection, Sequence
from typing import Final

import psycopg
from psycopg.abc import AdaptContext
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_HEAD: Final = struct.Struct("!iiIii").pack
_LENGTH: Final = struct.pack("!i", 16)
_INT4: Final = struct.Struct("!ii").pack
_INT8: Final = struct.Struct("!iq").pack
_OIDS: Final = {name: psycopg.adapters.types[name] for name in ("uuid", "int4", "int8", "bytea")}


class Uuids(bytes):
    """A `uuid[]` as PostgreSQL's binary format has it."""

    __slots__ = ()


class Int4s(bytes):
    """An `int4[]`."""

    __slots__ = ()


class Int8s(bytes):
    """An `int8[]`."""

    __slots__ = ()


class Byteas(bytes):
    """A `bytea[]`."""

    __slots__ = ()


Packed = Uuids | Int4s | Int8s | Byteas


class _Packed(Dumper):
    format = Format.BINARY
    kind = ""

    def __init__(self, cls: type[Packed], context: AdaptContext | None = None) -> None:
        super().__init__(cls, context)
        # not the class's: else it would also dump the lists that are copied into such a column
        self.oid = _OIDS[self.kind].array_oid

    def dump(self, obj: Packed) -> Buffer:
        return obj


for _cls, _kind in ((Uuids, "uuid"), (Int4s, "int4"), (Int8s, "int8"), (Byteas, "bytea")):
    psycopg.adapters.register_dumper(_cls, type(f"_{_kind}s", (_Packed,), {"kind": _kind}))


def _array(kind: str, parts: Sequence[bytes]) -> bytes:
    """Return an array of elements that were packed with their lengths; some may be null."""
    return _HEAD(1, 1, _OIDS[kind].oid, len(parts), 1) + b"".join(parts)


def uuids(numbers: Collection[int]) -> Uuids:
    """Return an array of UUIDs, given as their numbers."""
    return packed_uuids([_LENGTH + number.to_bytes(16) for number in numbers])


def packed_uuids(parts: Sequence[bytes]) -> Uuids:
    """Return an array of what was packed with its length, as a row has it."""
    return Uuids(_array("uuid", parts))


def byteas(parts: Sequence[bytes]) -> Byteas:
    """Return an array of what was packed with its length, as a row has it."""
    return Byteas(_array("bytea", parts))


def int4s(numbers: Sequence[int]) -> Int4s:
    return Int4s(_array("int4", [_INT4(4, number) for number in numbers]))


def int8s(numbers: Sequence[int]) -> Int8s:
    return Int8s(_array("int8", [_INT8(8, number) for number in numbers]))
