"""A view's rows in Postgres: read once and written once a batch, with a bounded cache between."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from domain.shared.personal import Sealer
from projections.projection import View
from projections.rows import Key, Row, Rows, Table
from projections.runtime.batch import Wanted
from projections.runtime.columns import Codec

Connection = psycopg.Connection[Any]

CACHED: Final = 10_000
"""Rows of a view that are kept in memory between batches."""


class TableStore:
    """The statements of one table of one generation."""

    def __init__(
        self, view: View, table: Table[Any], schema: str, types: Mapping[str, str], sealer: Sealer
    ) -> None:
        self.table = table
        self.codec: Codec[Any] = Codec(view.name, table, types, sealer)
        name = sql.Identifier(schema, table.name)
        batch = sql.Identifier("pg_temp", f"{schema}__{table.name}"[:63])
        columns = _list(table.columns)
        keys = [sql.Identifier(k) for k in table.key]
        named = {
            "table": name,
            "batch": batch,
            "columns": columns,
            "subject": keys[0],
            "key": sql.SQL(", ").join(keys),
            "arrays": sql.SQL(", ").join(
                sql.SQL("%s::{}[]").format(sql.SQL(types[k])) for k in table.key
            ),
            "on_key": sql.SQL(" and ").join(sql.SQL("t.{0} = k.{0}").format(k) for k in keys),
            "set": _assignments([c for c in table.columns if c not in table.key]),
        }

        def statement(text: str) -> sql.Composed:
            return sql.SQL(text).format(**named)

        self.of_subjects = statement("select {columns} from {table} where {subject} = any(%s)")
        self.of_keys = statement(
            "select {columns} from {table} t join unnest({arrays}) k({key}) using ({key})"
        )
        self.make_batch = statement(
            "create temp table if not exists {batch} (like {table}) on commit delete rows"
        )
        self.fill_batch = statement("copy {batch} ({columns}) from stdin (format binary)")
        self.upsert = statement(
            "insert into {table} ({columns}) select {columns} from {batch} on conflict ({key}) do "
        ) + (
            statement("update set {set}") if len(table.columns) > len(keys) else sql.SQL("nothing")
        )
        self.insert = statement("copy {table} ({columns}) from stdin (format binary)")
        self.delete = statement(
            "delete from {table} t using unnest({arrays}) k({key}) where {on_key}"
        )


class Store:
    """The rows of one view's generation, over one connection."""

    def __init__(
        self,
        connection: Connection,
        view: View,
        schema: str,
        sealer: Sealer,
        *,
        cached: int = CACHED,
    ) -> None:
        self.view = view
        self.schema = schema
        self._connection = connection
        self._blind = sealer.blind
        types = column_types(connection, schema)
        self.tables: Final = {
            table: TableStore(view, table, schema, types[table.name], sealer)
            for table in view.tables
        }
        self._cache: OrderedDict[UUID, tuple[Rows, int]] = OrderedDict()
        self._cached = cached
        self._held = 0

    def prepare(self) -> None:
        """Make this connection's temporary tables; they last as long as it does."""
        for table in self.tables.values():
            self._connection.execute(table.make_batch)

    def forget(self) -> None:
        """Drop what is cached, because somebody else may have written."""
        self._cache.clear()
        self._held = 0

    def open(self, subjects: Collection[UUID]) -> dict[UUID, Rows]:
        opened: dict[UUID, Rows] = {}
        missing: list[UUID] = []
        for subject in subjects:
            held = self._cache.pop(subject, None)
            if held is None:
                missing.append(subject)
                opened[subject] = Rows(subject, blind=self._blind)
            else:
                opened[subject], size = held
                self._held -= size
        if missing:
            self._open_eager(opened, missing)
        return opened

    def _open_eager(self, opened: Mapping[UUID, Rows], missing: list[UUID]) -> None:
        for table, stored in self.tables.items():
            if table.eager:
                found = self._of_subjects(stored, missing)
                for subject in missing:
                    opened[subject].loaded(table, found.get(subject, {}), everything=True)
                    if table is self.view.root and subject not in found:
                        opened[subject].is_new()

    def load(self, rows: Mapping[UUID, Rows], wanted: Iterable[Wanted]) -> None:
        whole: dict[Table[Any], list[UUID]] = {}
        single: dict[Table[Any], list[tuple[UUID, Key]]] = {}
        for subject, table, key in wanted:
            if rows[subject].knows(table, key):
                continue
            if key is None:
                whole.setdefault(table, []).append(subject)
            else:
                single.setdefault(table, []).append((subject, key))
        for table, subjects in whole.items():
            found = self._of_subjects(self.tables[table], subjects)
            for subject in subjects:
                rows[subject].loaded(table, found.get(subject, {}), everything=True)
        for table, keys in single.items():
            found = self._of_keys(self.tables[table], keys)
            for subject, key in keys:
                rows[subject].loaded(table, {key: found.get(subject, {}).get(key)})

    def _of_subjects(
        self, stored: TableStore, subjects: Sequence[UUID]
    ) -> dict[UUID, dict[Key, Row]]:
        cursor = self._connection.cursor(binary=True)
        return _by_subject(stored, cursor.execute(stored.of_subjects, (list(subjects),)).fetchall())

    def _of_keys(
        self, stored: TableStore, keys: Sequence[tuple[UUID, Key]]
    ) -> dict[UUID, dict[Key, Row]]:
        arrays = list(zip(*((subject, *key) for subject, key in keys), strict=True))
        cursor = self._connection.cursor(binary=True)
        return _by_subject(
            stored, cursor.execute(stored.of_keys, [list(a) for a in arrays]).fetchall()
        )

    def write(self, everybody: Collection[Rows], *, trusting: bool = True) -> int:
        """Write what changed, once a table; return how many rows.

        `trusting`: rows known to be new are copied straight in. Raises UniqueViolation (psycopg)
        where that was wrong.
        """
        written = 0
        changed: dict[Table[Any], list[Row]] = {}
        fresh: dict[Table[Any], list[Row]] = {}
        gone: dict[Table[Any], list[tuple[Any, ...]]] = {}
        for rows in everybody:
            for table, key, row, new in rows.changes():
                written += 1
                if row is None:
                    gone.setdefault(table, []).append((rows.subject, *key))
                elif trusting and (new or table.once):
                    fresh.setdefault(table, []).append(row)
                else:
                    changed.setdefault(table, []).append(row)
        for table, stored in self.tables.items():
            if table in gone:
                arrays = zip(*gone[table], strict=True)
                self._connection.execute(stored.delete, [list(a) for a in arrays])
            if table in fresh:
                self._copy(stored, stored.insert, fresh[table])
            if table in changed:
                self._copy(stored, stored.fill_batch, changed[table])
                self._connection.execute(stored.upsert)
        return written

    def _copy(self, stored: TableStore, statement: sql.Composed, rows: Collection[Row]) -> None:
        copy_rows(self._connection, stored.codec, statement, rows)

    def keep(self, everybody: Collection[Rows]) -> None:
        """Take what was written as stored, once it is committed, and keep the latest of it."""
        for rows in everybody:
            size = rows.keep_changes()
            self._cache[rows.subject] = rows, size
            self._held += size
        while self._held > self._cached:
            _, (_, size) = self._cache.popitem(last=False)
            self._held -= size


def copy_rows(
    connection: Connection, codec: Codec[Any], statement: sql.Composed, rows: Collection[Row]
) -> None:
    """Copy rows, encoded, by a `copy ... (format binary)` statement."""
    codec.have_keys(rows)
    encode = codec.encode
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(codec.types)
        write = copy.write_row
        for row in rows:
            write(encode(row))


def column_types(connection: Connection, schema: str) -> dict[str, dict[str, str]]:
    """Return the Postgres type of each column of each table of a schema."""
    types: dict[str, dict[str, str]] = {}
    for table, column, type_ in connection.execute(
        "select c.relname, a.attname, a.atttypid::regtype::text from pg_attribute a "
        "join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace "
        "where n.nspname = %s and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped",
        (schema,),
    ):
        types.setdefault(table, {})[column] = type_
    return types


def _by_subject(stored: TableStore, tuples: Sequence[Any]) -> dict[UUID, dict[Key, Row]]:
    found: dict[UUID, dict[Key, Row]] = {}
    stored.codec.load_keys(tuples)
    decode, key_of, place = stored.codec.decode, stored.table.key_of, stored.codec.subject
    for values in tuples:
        row = decode(values)
        found.setdefault(values[place], {})[key_of(row)] = row
    return found


def _list(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(c) for c in columns)


def _assignments(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(c)) for c in columns
    )
