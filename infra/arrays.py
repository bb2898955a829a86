"""Arrays as parameters of queries, packed at once: psycopg packs a list value by value."""

import struct
from collections.abc import Collection
from typing import Final

import psycopg
from psycopg.abc import AdaptContext
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_UUID: Final = 2950
_HEAD: Final = struct.Struct("!iiIii").pack
_LENGTH: Final = struct.pack("!i", 16)


class Uuids(bytes):
    """A `uuid[]` as PostgreSQL's binary format has it."""

    __slots__ = ()


class _Packed(Dumper):
    format = Format.BINARY

    def __init__(self, cls: type[Uuids], context: AdaptContext | None = None) -> None:
        super().__init__(cls, context)
        # not the class's: else it would also dump the lists that are copied into such a column
        self.oid = psycopg.adapters.types["uuid"].array_oid

    def dump(self, obj: Uuids) -> Buffer:
        return obj


psycopg.adapters.register_dumper(Uuids, _Packed)


def uuids(numbers: Collection[int]) -> Uuids:
    """Return an array of UUIDs, given as their numbers."""
    return Uuids(
        _HEAD(1, 0, _UUID, len(numbers), 1)
        + b"".join([_LENGTH + number.to_bytes(16) for number in numbers])
    )
