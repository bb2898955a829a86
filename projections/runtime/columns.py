"""How a row's fields stand in Postgres: plain, as JSON, or sealed for their subject."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from enum import Enum
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, Generic, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from domain.shared.personal import ERASED, KeyForgotten, Sealer, is_personal, plain_type
from projections.rows import Row, Table
from projections.runtime.packing import Field, Raw, records, tuples

R = TypeVar("R", bound=Row)

GONE: Final = b""
"""Stored where a personal value was, once its key is gone."""

Encode = Callable[[Any, UUID], Any]
Decode = Callable[[Any, UUID], Any]

_json: Final = msgspec.json.Encoder(decimal_format="string", order="deterministic").encode


def context_of(view: str, table: str, column: str) -> bytes:
    """Return what a sealed column is bound to: view, table and column."""
    return f"{view}|{table}|{column}".encode()


class SealedColumn:
    """A personal column: sealed for its subject, opened as its type, or ERASED."""

    def __init__(self, sealer: Sealer, view: str, table: str, column: str, type_: Any) -> None:
        self._sealer = sealer
        self._context = context_of(view, table, column)
        self._open = msgspec.json.Decoder(type_).decode

    def encode(self, value: Any, subject: UUID) -> bytes:
        if value is ERASED:
            return GONE
        try:
            return self._sealer.seal(subject, _json(value), self._context)
        except KeyForgotten:
            return GONE

    def decode(self, sealed: bytes, subject: UUID) -> Any:
        plain = self._sealer.open(subject, sealed, self._context) if sealed else None
        return ERASED if plain is None else self._open(plain)


def sealed_column(sealer: Sealer, view: str, table: Table[Any], column: str) -> SealedColumn:
    """Return the codec of one personal column, for a query that opens it."""
    wanted = _inner(get_type_hints(table.row, include_extras=True)[column])
    return SealedColumn(sealer, view, table.name, column, plain_type(wanted))


def personal_columns(table: Table[Any]) -> frozenset[str]:
    """Return which columns of a table are sealed."""
    hints = get_type_hints(table.row, include_extras=True)
    return frozenset(name for name in table.columns if is_personal(_inner(hints[name])))


def _inner(annotation: Any) -> Any:
    """Return T of `T | None`."""
    if get_origin(annotation) in {Union, UnionType}:
        parts = [a for a in get_args(annotation) if a is not NoneType]
        return parts[0] if len(parts) == 1 else annotation
    return annotation


def _codec(annotation: Any, postgres: str) -> tuple[Encode | None, Decode | None]:
    """Return how a field is written and read; None: as it is."""
    kind = _inner(annotation)
    if postgres == "bytea" and kind is not bytes:
        decode = msgspec.json.Decoder(kind).decode
        return (lambda v, _s: _json(v)), (lambda v, _s: decode(v))
    if postgres.endswith("[]"):
        container = get_origin(kind) or kind
        if container in {set, frozenset}:
            return (lambda v, _s: sorted(v)), (lambda v, _s: container(v))
        return (lambda v, _s: list(v)), (None if container is list else lambda v, _s: tuple(v))
    if isinstance(kind, type) and issubclass(kind, Enum):
        members = {m.value: m for m in kind}
        return (lambda v, _s: v.value), (lambda v, _s: members[v])
    return None, None


class Codec(Generic[R]):
    """Rows of one table to and from tuples of Postgres values, in the row's order of columns."""

    def __init__(
        self, view: str, table: Table[R], types: Mapping[str, str], sealer: Sealer
    ) -> None:
        """`types`: the Postgres type of each of the table's columns, in their order.

        Raises ValueError when one of the row's is missing.
        """
        absent = [c for c in table.columns if c not in types]
        if absent:
            msg = f"{view}'s schema.sql: table {table.name} has no {', '.join(absent)}"
            raise ValueError(msg)
        self.table = table
        self.types: Final = [types[c] for c in table.columns]
        self.subject: Final = table.columns.index(table.key[0])
        self._sealer = sealer
        self._personal: list[tuple[int, str]] = []
        self._encoders: list[tuple[int, Encode]] = []
        self._decoders: list[tuple[int, Decode]] = []
        hints = get_type_hints(table.row, include_extras=True)
        stored = list(types)
        self._fields = [Field(type_) for type_ in types.values()]
        self._places = [stored.index(name) for name in table.columns]
        for place, name in enumerate(table.columns):
            kind = _inner(hints[name])
            encode: Encode | None
            decode: Decode | None
            if is_personal(kind):
                sealed = SealedColumn(sealer, view, table.name, name, plain_type(kind))
                encode, decode = sealed.encode, sealed.decode
                self._personal.append((place, name))
            else:
                encode, decode = _codec(kind, types[name])
            if encode is not None:
                self._encoders.append((place, encode))
            if decode is not None:
                self._decoders.append((place, decode))
        self._encoder_at = dict(self._encoders)

    def have_keys(self, rows: Collection[R], places: Collection[int]) -> None:
        """Make sure that everybody of whom columns at these places say something has a key."""
        names = [name for place, name in self._personal if place in places]
        if names:
            whose = attrgetter(self.table.key[0])
            subjects: dict[int, UUID] = {}  # hashing a UUID takes ten times as long
            for said in map(attrgetter, names):
                for row in rows:
                    if (value := said(row)) is not None and value is not ERASED:
                        subject = whose(row)
                        subjects[subject.int] = subject
            self._sealer.ensure(subjects.values())

    def load_keys(self, stored: Collection[Sequence[Any]]) -> None:
        """Have the keys at hand that decoding these tuples needs."""
        if self._personal and stored:
            self._sealer.load({values[self.subject] for values in stored})

    def encode(self, row: R) -> Sequence[Any]:
        values = list(msgspec.structs.astuple(row))
        subject = values[self.subject]
        for place, encode in self._encoders:
            value = values[place]
            if value is not None:
                values[place] = encode(value, subject)
        return values

    def pack(self, oid: int, rows: Sequence[R], places: Collection[int]) -> Raw:
        """Return columns of rows, by place, as an array of records of the table's type."""
        columns: list[Collection[Any] | None] = [None] * len(self._fields)
        for place, values in self._columns(rows, places):
            columns[self._places[place]] = values
        return records(oid, self._fields, columns)

    def pack_whole(self, rows: Sequence[R]) -> list[bytes]:
        """Return rows packed for `COPY`, the columns in the row's order."""
        every = self._columns(rows, range(len(self.types)))
        return tuples(self.types, (values for _, values in every))

    def _columns(
        self, rows: Sequence[R], places: Collection[int]
    ) -> Iterator[tuple[int, Collection[Any]]]:
        """Yield these columns of rows, encoded, each with its place."""
        by_column = list(zip(*map(msgspec.structs.astuple, rows), strict=True))
        encoders, subjects = self._encoder_at, by_column[self.subject]
        for place in places:
            values: Collection[Any] = by_column[place]
            encode = encoders.get(place)
            if encode is not None:
                values = [
                    None if value is None else encode(value, subject)
                    for value, subject in zip(values, subjects, strict=True)
                ]
            yield place, values

    def decode(self, stored: Sequence[Any]) -> R:
        if self._decoders:
            values = list(stored)
            subject = values[self.subject]
            for place, decode in self._decoders:
                value = values[place]
                if value is not None:
                    values[place] = decode(value, subject)
            stored = values
        return self.table.row(**dict(zip(self.table.columns, stored, strict=True)))
