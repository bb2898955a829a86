"""What there is to back up, as Postgres' own catalogue says: so no table is forgotten."""

from collections.abc import Iterable
from graphlib import TopologicalSorter
from typing import Final

from psycopg import sql

from infra.backup.records import Sequence, Table
from infra.postgres import Connection

_TABLES: Final = """
select c.oid::int8, c.relname::text,
  array(select a.attname::text from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        order by a.attnum),
  array(select f.confrelid::int8 from pg_constraint f
        where f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid)
from pg_class c
where c.relnamespace = %s::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
order by c.relname
"""
_PARTS: Final = """
select i.inhparent::int8, p.relname::text, pg_get_expr(p.relpartbound, p.oid)
from pg_inherits i
join pg_class p on p.oid = i.inhrelid and p.relispartition
where p.relnamespace = %s::regnamespace and pg_get_expr(p.relpartbound, p.oid) is not null
order by p.relname
"""
_SEQUENCES: Final = "select sequencename::text from pg_sequences where schemaname = %s order by 1"
_TRANSACTIONS_BOUND: Final = 170_000
"""The version of Postgres that knows transaction_timeout."""

_SIZE: Final = """
select coalesce(sum(pg_table_size(oid)), 0)::int8 from pg_class
where relnamespace = %s::regnamespace and relkind = 'r'
"""


def tables_of(connection: Connection, schema: str) -> list[Table]:
    """Return the tables of a schema, each after those that it refers to."""
    parts: dict[int, list[tuple[str, str]]] = {}
    for parent, name, bound in connection.execute(_PARTS, (schema,)):
        parts.setdefault(parent, []).append((name, bound))
    found: dict[int, Table] = {}
    after: dict[int, list[int]] = {}
    for oid, name, columns, others in connection.execute(_TABLES, (schema,)):
        found[oid] = Table(schema, name, tuple(columns), tuple(parts.get(oid, ())))
        after[oid] = others
    return [found[oid] for oid in TopologicalSorter(after).static_order() if oid in found]


def sequences_of(connection: Connection, schema: str) -> list[Sequence]:
    """Return the sequences of a schema as they stand; they know no snapshot."""
    found = []
    for (name,) in connection.execute(_SEQUENCES, (schema,)).fetchall():
        row = connection.execute(
            sql.SQL("select last_value, is_called from {}").format(sql.Identifier(schema, name))
        ).fetchone()
        assert row is not None
        found.append(Sequence(schema, name, row[0], row[1]))
    return found


def size_of(connection: Connection, schema: str) -> int:
    """Return about how many bytes the rows of a schema take."""
    row = connection.execute(_SIZE, (schema,)).fetchone()
    assert row is not None
    return int(row[0])


def take_time(connection: Connection) -> None:
    """Let this transaction last as long as it takes, whatever the server bounds others to."""
    bounds = ["idle_in_transaction_session_timeout", "statement_timeout"]
    if connection.info.server_version >= _TRANSACTIONS_BOUND:
        bounds.append("transaction_timeout")
    for bound in bounds:
        connection.execute(sql.SQL("set local {} to 0").format(sql.Identifier(bound)))


def hold(connection: Connection, tables: Iterable[Table]) -> None:
    """Let nobody drop these tables until the transaction ends; everything else goes on."""
    names = [identifier(table) for table in tables]
    connection.execute(
        sql.SQL("lock table {} in access share mode").format(sql.SQL(", ").join(names))
    )


def identifier(table: Table) -> sql.Identifier:
    """Return a table's name for a statement."""
    return sql.Identifier(table.schema, table.name)


def columns_of(table: Table) -> sql.Composed:
    """Return a table's columns for a statement."""
    return sql.SQL(", ").join(map(sql.Identifier, table.columns))
