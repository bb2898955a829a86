"""Comparing a view's rows: stored ones of some slots against others, settled to the same clock."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql

from domain.shared.personal import Sealer
from projections.projection import View
from projections.rows import Key, Row, Rows, Table
from projections.runtime.columns import Codec, personal_columns
from projections.runtime.replay import Tables, tables_of
from projections.runtime.store import column_types

FIRST_FEW: Final = 50
"""Differences that are kept to be shown; all are counted."""

_CHUNK: Final = 5_000


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


class Differences:
    """Counts differences and keeps the first few."""

    def __init__(self) -> None:
        self.rows = 0
        self.count = 0
        self.first: list[Difference] = []

    def compare(self, live: Tables, replayed: Tables) -> None:
        for table, rows in live.items():
            others = replayed[table]
            self.rows += len(rows)
            for key, row in rows.items():
                other = others.get(key)
                if row != other:
                    self._add(table, key, row, other)
            for key in others.keys() - rows.keys():
                self._add(table, key, None, others[key])

    def _add(self, table: Table[Any], key: Key, live: Row | None, other: Row | None) -> None:
        differing: Sequence[str | None] = [None]
        if live is not None and other is not None:
            differing = [c for c in table.columns if getattr(live, c) != getattr(other, c)]
        self.count += len(differing)
        for column in differing[: FIRST_FEW - len(self.first)]:
            self.first.append(
                Difference(
                    subject=key[0],
                    table=table.name,
                    key=tuple(map(str, key[1:])),
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


class StoredRows:
    """Reads the stored rows of a generation, slots by slots."""

    def __init__(
        self, connection: psycopg.Connection[Any], view: View, schema: str, sealer: Sealer
    ) -> None:
        """Ask for the columns. Raises ValueError when the schema does not have the view's."""
        self._connection = connection
        self._view = view
        self._schema = schema
        self._blind = sealer.blind
        types = column_types(connection, schema)
        self._codecs = {
            table: Codec(view.name, table, types.get(table.name, {}), sealer)
            for table in view.tables
        }

    def of(
        self, slots: Sequence[int], of: int, shared: Callable[[UUID], Any]
    ) -> Mapping[UUID, Rows]:
        """Return the complete rows of everybody in some slots. Call it in a transaction."""
        everybody: dict[UUID, Rows] = {}
        for table, codec in self._codecs.items():
            for chunk in self._read(table, slots, of):
                codec.load_keys(chunk)
                for values in chunk:
                    row = codec.decode(values)
                    subject = values[codec.subject]
                    rows = everybody.get(subject)
                    if rows is None:
                        rows = Rows(
                            subject, shared=shared(subject), complete=True, blind=self._blind
                        )
                        everybody[subject] = rows
                    rows.loaded(table, {table.key_of(row): row})
        return everybody

    def _read(
        self, table: Table[Any], slots: Sequence[int], of: int
    ) -> Iterator[Sequence[tuple[Any, ...]]]:
        statement = sql.SQL(
            "select {columns} from {table} where %s or views.slot_of({subject}, %s) = any(%s)"
        ).format(
            columns=sql.SQL(", ").join(map(sql.Identifier, table.columns)),
            table=sql.Identifier(self._schema, table.name),
            subject=sql.Identifier(table.key[0]),
        )
        with psycopg.ServerCursor(self._connection, f"rows_{table.name}") as cursor:
            cursor.execute(statement, (len(slots) == of, of, list(slots)), binary=True)
            while chunk := cursor.fetchmany(_CHUNK):
                yield chunk


def settled(view: View, everybody: Iterable[Rows], clock: Callable[[UUID], datetime]) -> Tables:
    """Return everybody's rows after time has passed for them up to their slots' clocks."""
    held = list(everybody)
    for rows in held:
        view.settle(rows, clock(rows.subject))
    return tables_of(view, held)
