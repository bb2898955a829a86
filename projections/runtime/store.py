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
from projections.runtime.changes import COPIED, Changes
from projections.runtime.columns import Codec
from projections.runtime.folding import Wanted
from projections.runtime.packing import BEGIN, END, Raw, array, takes_raw

Connection = psycopg.Connection[Any]

CACHED: Final = 10_000
"""Rows of a view, and subjects, that are kept in memory between batches."""


class TableStore:
    """The statements of one table of one generation."""

    def __init__(  # noqa: PLR0913  # a table is told by all of these
        self,
        view: View,
        table: Table[Any],
        schema: str,
        types: Mapping[str, str],
        sealer: Sealer,
        *,
        oid: int = 0,
    ) -> None:
        """`oid`: of the type of the table's rows; without it, rows can only be copied in."""
        self.table = table
        self.oid = oid
        self.codec: Codec[Any] = Codec(view.name, table, types, sealer)
        name = sql.Identifier(schema, table.name)
        columns = _list(table.columns)
        keys = [sql.Identifier(k) for k in table.key]
        named = {
            "table": name,
            "columns": columns,
            "subject": keys[0],
            "key": sql.SQL(", ").join(keys),
            "arrays": sql.SQL(", ").join(
                sql.SQL("%s::{}[]").format(sql.SQL(types[k])) for k in table.key
            ),
            "on_key": sql.SQL(" and ").join(sql.SQL("t.{0} = k.{0}").format(k) for k in keys),
            "of_record": sql.SQL(", ").join(
                sql.SQL("r.{}").format(sql.Identifier(c)) for c in table.columns
            ),
            # by its number too: a table made anew under an old name is prepared anew
            "records": sql.SQL("unnest(%s::{}[]) /* {} */ r").format(name, sql.Literal(oid)),
            "is_record": sql.SQL(" and ").join(sql.SQL("t.{0} = r.{0}").format(k) for k in keys),
            "set": _assignments("excluded", [c for c in table.columns if c not in table.key]),
        }
        self._named = named

        def statement(text: str) -> bytes:
            return sql.SQL(text).format(**named).as_bytes()

        self.of_subjects = statement(
            "select {columns} from {table} where {subject} = any(%s::uuid[])"
        )
        self.of_keys = statement(
            "select {columns} from {table} t join unnest({arrays}) k({key}) using ({key})"
        )
        self.append = statement("insert into {table} ({columns}) select {of_record} from {records}")
        change = "update set {set}" if len(table.columns) > len(keys) else "nothing"
        self.upsert = self.append + statement(" on conflict ({key}) do " + change)
        self.insert = statement("copy {table} ({columns}) from stdin (format binary)")
        self.delete = statement(
            "delete from {table} t using unnest({arrays}) k({key}) where {on_key}"
        )
        self.key_places: Final = tuple(table.columns.index(k) for k in table.key)
        self._types = [types[k] for k in table.key]
        self._updates: dict[tuple[int, ...], bytes] = {}

    def update(self, places: tuple[int, ...]) -> bytes:
        """Return the statement that changes the columns at these places of rows that are there."""
        text = self._updates.get(places)
        if text is None:
            columns = [self.table.columns[place] for place in places]
            named = self._named | {"set": _assignments("r", columns)}
            statement = sql.SQL("update {table} t set {set} from {records} where {is_record}")
            text = self._updates[places] = statement.format(**named).as_bytes()
        return text

    def keys(self, keys: Iterable[tuple[Any, ...]]) -> list[Raw]:
        """Return keys as the arrays that a statement joins with."""
        columns = zip(*keys, strict=True)
        return [array(type_, column) for type_, column in zip(self._types, columns, strict=True)]


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
        takes_raw(connection)
        types, oids = column_types(connection, schema), record_types(connection, schema)
        self.tables: Final = {
            table: TableStore(view, table, schema, types[table.name], sealer, oid=oids[table.name])
            for table in view.tables
        }
        self._cache: OrderedDict[UUID, tuple[Rows, int]] = OrderedDict()
        self._cached = cached
        self._held = 0

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
        for table, asked in single.items():
            keys = [(subject, key) for subject, key in asked if not rows[subject].knows(table, key)]
            if not keys:
                continue
            found = self._of_keys(self.tables[table], keys)
            for subject, key in keys:
                rows[subject].loaded(table, {key: found.get(subject, {}).get(key)})

    def _of_subjects(
        self, stored: TableStore, subjects: Sequence[UUID]
    ) -> dict[UUID, dict[Key, Row]]:
        cursor = self._connection.cursor(binary=True)
        return _by_subject(
            stored, cursor.execute(stored.of_subjects, (array("uuid", subjects),)).fetchall()
        )

    def _of_keys(
        self, stored: TableStore, keys: Sequence[tuple[UUID, Key]]
    ) -> dict[UUID, dict[Key, Row]]:
        arrays = stored.keys((subject, *key) for subject, key in keys)
        cursor = self._connection.cursor(binary=True)
        return _by_subject(stored, cursor.execute(stored.of_keys, arrays).fetchall())

    def write(self, changes: Changes) -> None:
        """Write what changed, together what is alike.

        Raises UniqueViolation (psycopg) where a row was wrongly taken for new.
        """
        for table, stored in self.tables.items():
            if table in changes.gone:
                self._connection.execute(stored.delete, stored.keys(changes.gone[table]))
            everything = range(len(table.columns))
            fresh = changes.fresh.get(table, ())
            if len(fresh) >= COPIED:
                copy_rows(self._connection, stored.codec, stored.insert, fresh)
            elif fresh:
                self._send(stored, stored.append, fresh, everything)
            if table in changes.unsure:
                self._send(stored, stored.upsert, changes.unsure[table], everything)
            for places, some in changes.of_columns(table, stored.key_places):
                self._send(stored, stored.update(places), some, (*stored.key_places, *places))

    def _send(
        self,
        stored: TableStore,
        statement: bytes,
        rows: Sequence[Row],
        places: Collection[int],
    ) -> None:
        codec = stored.codec
        codec.have_keys(rows, places)
        packed = codec.pack(stored.oid, rows, places)
        self._connection.execute(statement, (packed,))

    def keep(self, everybody: Collection[Rows]) -> None:
        """Take what was written as stored, once it is committed, and keep the latest of it."""
        for rows in everybody:
            size = rows.keep_changes() + 1  # to know that somebody has no rows takes room too
            self._cache[rows.subject] = rows, size
            self._held += size
        while self._held > self._cached:
            _, (_, size) = self._cache.popitem(last=False)
            self._held -= size


def copy_rows(
    connection: Connection, codec: Codec[Any], statement: bytes, rows: Collection[Row]
) -> None:
    """Copy rows, encoded, by a `copy ... (format binary)` statement."""
    codec.have_keys(rows, range(len(codec.table.columns)))
    encode = codec.encode
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(codec.types)
        write = copy.write_row
        for row in rows:
            write(encode(row))


def copy_packed(connection: Connection, statement: bytes, rows: Iterable[bytes]) -> None:
    """Copy rows that are packed already."""
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(b"".join((BEGIN, *rows, END)))


def record_types(connection: Connection, schema: str) -> dict[str, int]:
    """Return the OID of the type of each table's rows."""
    found = connection.execute(
        "select c.relname, c.reltype from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where n.nspname = %s and c.relkind in ('r', 'p')",
        (schema,),
    )
    return dict(found.fetchall())


def column_types(connection: Connection, schema: str) -> dict[str, dict[str, str]]:
    """Return the Postgres type of each column, in order, of each table of a schema."""
    types: dict[str, dict[str, str]] = {}
    for table, column, type_ in connection.execute(
        "select c.relname, a.attname, a.atttypid::regtype::text from pg_attribute a "
        "join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace "
        "where n.nspname = %s and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped "
        "order by a.attnum",
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


def _assignments(source: str, columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{0} = {1}.{0}").format(sql.Identifier(c), sql.Identifier(source)) for c in columns
    )
