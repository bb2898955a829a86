"""Comparing a view's rows: stored ones against others, settled to the same clocks."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from heapq import merge
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql

from domain.shared.personal import Sealer
from projections.projection import View, slot_of
from projections.rows import Key, Row, Rows, Table
from projections.runtime.batch import Place
from projections.runtime.columns import Codec, personal_columns
from projections.runtime.store import column_types

FIRST_FEW: Final = 50
"""Differences that are kept to be shown; all are counted."""

_CHUNK: Final = 2_000

_Part = tuple[UUID, Table[Any], dict[Key, Row | None]]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One value that is not the same. `column` None: the row is only on one side.

    What is personal is not told: `live` and `replayed` say whether there is something.
    """

    subject: UUID
    table: str
    key: tuple[str, ...]
    column: str | None
    live: Any
    replayed: Any


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """How the new rows compare with those served, at equal positions and clocks.

    `why_not`: they could not be compared (another version's tables, a view that does not move).
    """

    rows: int = 0
    different: int = 0
    differences: Sequence[Difference] = ()
    why_not: str | None = None


class Differences:
    """Counts differences and keeps the first few."""

    def __init__(self) -> None:
        self.rows = 0
        self.count = 0
        self.first: list[Difference] = []

    def compare(
        self, live: Rows | None, replayed: Rows | None, tables: Iterable[Table[Any]]
    ) -> None:
        """Compare one subject's complete rows; None: it has none on that side."""
        for table in tables:
            ours = live.all(table) if live is not None else {}
            theirs = replayed.all(table) if replayed is not None else {}
            self.rows += len(ours)
            for key, row in ours.items():
                other = theirs.get(key)
                if row != other:
                    self._add(table, row, other)
            for key in theirs.keys() - ours.keys():
                self._add(table, None, theirs[key])

    def miscounted(
        self, connection: psycopg.Connection[Any], schema: str, table: str, wrong: str
    ) -> None:
        """Add what a view's totals say otherwise than its rows."""
        found = sql.SQL("select subject, key, kept, counted from {}").format(
            sql.Identifier(schema, wrong)
        )
        for subject, key, kept, counted in connection.execute(found):
            self.count += 1
            if len(self.first) < FIRST_FEW:
                self.first.append(
                    Difference(
                        subject=subject,
                        table=table,
                        key=tuple(key),
                        column=None,
                        live=kept,
                        replayed=counted,
                    )
                )

    def _add(self, table: Table[Any], live: Row | None, other: Row | None) -> None:
        differing: Sequence[str | None] = [None]
        if live is not None and other is not None:
            differing = [c for c in table.columns if getattr(live, c) != getattr(other, c)]
        self.count += len(differing)
        row = live if live is not None else other
        for column in differing[: FIRST_FEW - len(self.first)]:
            self.first.append(
                Difference(
                    subject=getattr(row, table.key[0]),
                    table=table.name,
                    key=tuple(str(getattr(row, k)) for k in table.key[1:]),
                    column=column,
                    live=_told(table, column, live),
                    replayed=_told(table, column, other),
                )
            )


def _told(table: Table[Any], column: str | None, row: Row | None) -> Any:
    """Return what may be told of one side of a difference."""
    if row is None:
        return None
    if column is None:
        return "a row"
    value = getattr(row, column)
    if value is not None and column in personal_columns(table):
        return "something personal"
    return value


class Standing:
    """Where slots stand: what their rows share, and up to when time has passed for them."""

    def __init__(self, view: View, places: Mapping[int, Place], slots: int) -> None:
        self._view = view
        self._places = places
        self._slots = slots

    def settle(self, rows: Rows) -> Rows:
        """Let time pass for one subject, up to its slot's clock."""
        place = self._places[slot_of(rows.subject, self._slots)]
        rows.shared = place.shared
        self._view.settle(rows, place.clock)
        return rows


class StoredRows:
    """Reads the stored rows of a generation, subject by subject, holding few of them."""

    def __init__(
        self, connection: psycopg.Connection[Any], view: View, schema: str, sealer: Sealer
    ) -> None:
        """Ask for the columns. Raises ValueError when the schema does not have the view's."""
        self._connection = connection
        self._schema = schema
        self._blind = sealer.blind
        types = column_types(connection, schema)
        self._codecs = {
            table: Codec(view.name, table, types.get(table.name, {}), sealer)
            for table in view.tables
        }

    def each(self, slots: Collection[int], of: int) -> Iterator[Rows]:
        """Yield everybody's complete rows, in order of subjects. Go through it in a transaction."""
        with ExitStack() as stack:
            streams = [
                self._subjects(table, codec, stack.enter_context(self._cursor(table)), slots, of)
                for table, codec in self._codecs.items()
            ]
            merged = merge(*streams, key=_number)
            for _, parts in groupby(merged, key=_number):
                rows = None
                for subject, table, held in parts:
                    rows = rows or Rows(subject, complete=True, blind=self._blind)
                    rows.loaded(table, held)
                assert rows is not None
                yield rows

    def _cursor(self, table: Table[Any]) -> "psycopg.ServerCursor[Any]":
        return psycopg.ServerCursor(self._connection, f"rows_of_{table.name}")

    def _subjects(
        self,
        table: Table[Any],
        codec: Codec[Any],
        cursor: "psycopg.ServerCursor[Any]",
        slots: Collection[int],
        of: int,
    ) -> Iterator[_Part]:
        """Yield the rows of each subject in a table, in order of subjects."""
        statement = sql.SQL(
            "select {columns} from {table} where %s or views.slot_of({subject}, %s) = any(%s) "
            "order by {subject}"
        ).format(
            columns=sql.SQL(", ").join(map(sql.Identifier, table.columns)),
            table=sql.Identifier(self._schema, table.name),
            subject=sql.Identifier(table.key[0]),
        )
        cursor.execute(statement, (len(slots) == of, of, list(slots)), binary=True)
        subject: UUID | None = None
        held: dict[Key, Row | None] = {}
        while chunk := cursor.fetchmany(_CHUNK):
            codec.load_keys(chunk)
            for values in chunk:
                if values[codec.subject] != subject:
                    if subject is not None:
                        yield subject, table, held
                    subject, held = values[codec.subject], {}
                row = codec.decode(values)
                held[table.key_of(row)] = row
        if subject is not None:
            yield subject, table, held


def _number(part: _Part) -> int:
    return part[0].int


def side_by_side(
    left: Iterable[Rows], right: Iterable[Rows]
) -> Iterator[tuple[Rows | None, Rows | None]]:
    """Pair what is in order of subjects on both sides; None where one side has nothing."""
    ours, theirs = iter(left), iter(right)
    one, other = next(ours, None), next(theirs, None)
    while one is not None or other is not None:
        first = other is None or (one is not None and one.subject.int <= other.subject.int)
        second = one is None or (other is not None and other.subject.int <= one.subject.int)
        yield one if first else None, other if second else None
        if first:
            one = next(ours, None)
        if second:
            other = next(theirs, None)
