"""Copying tables out of a backup into those that the migrations made."""

import hashlib
from collections.abc import Callable, Iterator

import msgspec
from psycopg import sql

from infra.backup.catalogue import columns_of, identifier, tables_of
from infra.backup.opening import Opened
from infra.backup.records import Kept, Sequence, Table, TableEnd
from infra.backup.unusable import Inconsistent
from infra.postgres import Connection

Told = Callable[[str, int, int], None]
"""Is told which file is read, how many of its bytes were, and how many there are."""


def copy_in(
    owner: Connection, opened: Opened, schema: str, told: Told
) -> tuple[dict[str, int], dict[str, bytes]]:
    """Copy all tables of a file; return the rows of each, and the files that came with them."""
    size = opened.path.stat().st_size
    there = {table.full: table for table in tables_of(owner, schema)}
    for table in there.values():  # what the migrations put there
        owner.execute(sql.SQL("truncate {} cascade").format(identifier(table)))
    counted: dict[str, int] = {}
    files: dict[str, bytes] = {}
    records = opened.records().each()
    for kind, told_of in records:
        match kind:
            case b"T":
                table = msgspec.json.decode(told_of, type=Table)
                if table.full not in there or table.schema != schema:
                    raise Inconsistent(opened.name, why=f"its tables do not include {table.full}")
                _make_room(owner, table, there[table.full])

                def tell() -> None:
                    told(opened.name, opened.reader.taken, size)

                counted[table.full] = _copy_table(owner, table, records, opened.name, tell)
            case b"S":
                sequence = msgspec.json.decode(told_of, type=Sequence)
                name = sql.Identifier(sequence.schema, sequence.name).as_string(owner)
                owner.execute(
                    "select setval(%s::regclass, %s, %s)", (name, sequence.last, sequence.called)
                )
            case b"K":
                kept = msgspec.json.decode(told_of, type=Kept)
                files[kept.name] = kept.content
    told(opened.name, size, size)
    return counted, files


def _make_room(owner: Connection, table: Table, there: Table) -> None:
    """Make the parts of a table that there were and are not yet."""
    had = {name for name, _ in there.parts}
    for name, bound in table.parts:
        if name in had:
            continue
        names = {"part": sql.Identifier(table.schema, name), "table": identifier(table)}
        owner.execute(sql.SQL("create table {part} (like {table} including all)").format(**names))
        attach = sql.SQL("alter table {table} attach partition {part} ").format(**names)
        owner.execute(attach + sql.SQL(bound))


def _copy_table(
    owner: Connection,
    table: Table,
    records: Iterator[tuple[bytes, bytes]],
    name: str,
    tell: Callable[[], None],
) -> int:
    """Copy a table's rows, its triggers at rest: they judge what is new. Return how many."""
    names = {"table": identifier(table), "columns": columns_of(table)}
    owner.execute(sql.SQL("alter table {table} disable trigger user").format(**names))
    statement = sql.SQL("copy {table} ({columns}) from stdin (format binary)").format(**names)
    digest, end = hashlib.sha256(), None
    with owner.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for kind, content in records:
                if kind == b"D":
                    digest.update(content)
                    copy.write(content)
                    tell()
                    continue
                if kind == b"E":
                    end = msgspec.json.decode(content, type=TableEnd)
                break
        rows = cursor.rowcount
    owner.execute(sql.SQL("alter table {table} enable trigger user").format(**names))
    if end is None or (end.rows, end.sha256) != (rows, digest.hexdigest()):
        raise Inconsistent(name, why=f"{table.full} does not come to the rows that it had")
    return rows
