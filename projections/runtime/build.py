"""Building a generation: slots folded in memory by final customer, and copied out once."""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql

from domain.shared.events import Fact
from domain.shared.hands import hand_of
from domain.shared.log import Reader
from domain.shared.personal import Sealer
from projections.projection import View, slot_of
from projections.rows import Row, Table
from projections.runtime import schema
from projections.runtime.replay import Replay
from projections.runtime.schema import Generation
from projections.runtime.store import TableStore, column_types, copy_packed, copy_rows

SENT: Final = 20_000
"""Rows that are sent together."""
LAID: Final = 125_000
"""Rows that wait, packed, until those of each subject can be laid side by side."""

Connection = psycopg.Connection[Any]
Told = Sequence[tuple[UUID | None, Fact]]
"""Facts, each with the customer that it belongs to in the end."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Slots to be built by one process, with the log up to a position, settled to a clock.

    Their customers are dealt into `hands`, which are folded one after the other.
    """

    generation: Generation
    slots: tuple[int, ...]
    of: int
    hands: int
    upto: int
    clock: datetime


class Builder:
    """Builds parts of one view over one connection, which is in autocommit."""

    def __init__(
        self,
        connection: Connection,
        view: View,
        sealer: Sealer,
        reader: Reader,
        told: Callable[[int], None],
    ) -> None:
        """`told` is called with how many more facts are behind it."""
        self._connection = connection
        self._view = view
        self._sealer = sealer
        self._reader = reader
        self._told = told

    def build(self, part: Part) -> bytes:
        """Write the part's rows; return what its slots share, encoded."""
        types = column_types(self._connection, part.generation.schema)
        stores = {
            table: TableStore(
                self._view, table, part.generation.schema, types[table.name], self._sealer
            )
            for table in self._view.tables
        }
        self._connection.execute("set synchronous_commit to off")
        shared = self._view.shared
        with _no_garbage():
            dealt = self._reader.deal(
                part.slots,
                part.of,
                hands=part.hands,
                upto=part.upto,
                depths=self._view.depths(),
            )
            for hand, chunks in enumerate(dealt):
                shared = self._fold(part, hand, chunks, stores)
        return schema.encode_shared(shared)

    def _fold(
        self, part: Part, hand: int, chunks: Iterable[Told], stores: Mapping[Table[Any], TableStore]
    ) -> Any:
        """Fold one hand and copy its rows out; return what they share."""
        aside: dict[Table[Any], list[Row]] = {t: [] for t in stores if t.once}
        waiting: dict[Table[Any], list[bytes]] = {t: [] for t in aside}
        replay = Replay(self._view, blind=self._sealer.blind, aside=aside)
        slots = set(part.slots)

        def is_mine(subject: UUID) -> bool:
            return slot_of(subject, part.of) in slots and hand_of(subject, part.hands) == hand

        share, seen = len(slots) / part.of / part.hands, 0
        for chunk in chunks:
            replay.fold_all(chunk, is_mine)
            for table, rows in aside.items():
                waiting[table] += _packed(stores[table], rows)
                rows.clear()
                if len(waiting[table]) >= LAID:
                    self._lay(stores[table], waiting[table])
            last = chunk[-1][1].position
            self._told(round(last * share) - round(seen * share))
            seen = last
        self._told(round(part.upto * share) - round(seen * share))
        for table, packed in waiting.items():
            self._lay(stores[table], packed)
        replay.settle(part.clock)
        for table, store in stores.items():
            self._copy(store, [row for held in replay.rows.values() for row in held.take(table)])
        return replay.shared

    def _lay(self, store: TableStore, packed: list[bytes]) -> None:
        """Copy rows out by their first column, their subject: few pages have all of one's.

        As they came they would lie on as many pages as they are.
        """
        packed.sort()
        for start in range(0, len(packed), SENT):
            copy_packed(self._connection, store.insert, packed[start : start + SENT])
        packed.clear()

    def _copy(self, store: TableStore, rows: Sequence[Row]) -> None:
        for start in range(0, len(rows), SENT):
            copy_rows(self._connection, store.codec, store.insert, rows[start : start + SENT])


def _packed(store: TableStore, rows: Sequence[Row]) -> list[bytes]:
    store.codec.have_keys(rows, range(len(store.table.columns)))
    return store.codec.pack_whole(rows) if rows else []


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Do not look for garbage among so many rows: there is none."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Indexes:
    """The indexes and keys of new tables, put aside while the tables are filled."""

    def __init__(self, connection: Connection, view: View, name: str) -> None:
        """`name`: the schema's. Those of totals stay: triggers find their rows by them."""
        self._connection = connection
        self._name = name
        self._tables = [table.name for table in view.tables]
        self._make: list[str] = []

    def put_aside(self) -> None:
        """Drop them, remembering how they are made."""
        keys = self._connection.execute(
            "select c.conrelid::regclass::text, quote_ident(c.conname), "
            "pg_get_constraintdef(c.oid) from pg_constraint c join pg_namespace n "
            "on n.oid = c.connamespace join pg_class t on t.oid = c.conrelid "
            "where n.nspname = %s and t.relname = any(%s) and c.contype in ('p', 'u')",
            (self._name, self._tables),
        ).fetchall()
        for table, name, definition in keys:
            self._make.append(f"alter table {table} add constraint {name} {definition}")
            self._run(f"alter table {table} drop constraint {name}")
        indexes = self._connection.execute(
            "select quote_ident(schemaname) || '.' || quote_ident(indexname), indexdef "
            "from pg_indexes where schemaname = %s and tablename = any(%s)",
            (self._name, self._tables),
        ).fetchall()
        for name, definition in indexes:
            self._make.append(definition)
            self._run(f"drop index {name}")

    def put_back(self) -> None:
        """Make them again, and let the planner look at the tables."""
        for definition in self._make:
            self._run(definition)
        tables = self._connection.execute(
            "select tablename from pg_tables where schemaname = %s", (self._name,)
        ).fetchall()
        for (table,) in tables:
            self._connection.execute(
                sql.SQL("analyze {}").format(sql.Identifier(self._name, table))
            )

    def _run(self, statement: str) -> None:
        self._connection.execute(statement.encode())
