"""Makes a shop larger than there is time to fill: its log and its views' rows again and again.

Every copy is about another customer, another order: ids are derived anew, positions go on. Sizes,
distributions and indexes are those of as many facts that came by the door. What is sealed in a copy
cannot be opened, and the chain does not hold: nobody asks.
"""

from typing import Any, Final
from uuid import uuid4

import psycopg
from psycopg import sql

from projections import catalogue
from projections.runtime import schema

Connection = psycopg.Connection[Any]

_KEPT: Final = frozenset(("campaign", "last_campaign", "policy", "causation"))
"""Columns of ids that are the same in every copy, and of a position that is none."""

_COLUMNS: Final = """
select a.attname, a.atttypid::regtype::text from pg_attribute a
where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
order by a.attnum
"""
_BATCH: Final = """
insert into log.batch (position, recorded_at, facts, token, chain)
select %s, clock_timestamp(), %s, %s, chain from log.batch order by position desc limit 1
"""
_REACHED: Final = "update views.checkpoint set position = %s, clock = clock_timestamp()"


class Multiplier:
    """Keeps the first rows aside, and adds them once more whenever it is asked.

    Nothing else may write to the log or the views while it does. The connection is in autocommit
    and may do everything.
    """

    def __init__(self, connection: Connection, facts: int) -> None:
        self._connection = connection
        self._facts = facts
        self._tables = ["log.fact", "log.stream", "keeper.person_key"]
        for name, view in catalogue.VIEWS.items():
            generation = schema.active(connection, name)
            assert generation is not None
            of_customers = [t.name for t in view.tables if t.key[0] == "customer"]
            self._tables += [f"{generation.schema}.{table}" for table in of_customers]
        connection.execute("create schema aside")
        for table in self._tables:
            self._run("create unlogged table {aside} as select * from {table}", table)

    def once_more(self) -> None:
        """Add a copy of everything that was kept."""
        head = self._number("select max(position) from log.batch")
        for room in (head, head + self._facts):
            self._connection.execute("select log.ensure_room(%s, now())", (room,))
        seed = uuid4().hex[:8]
        for table in self._tables:
            self._add(table, head, seed)
        last = head + self._facts
        self._connection.execute(_BATCH, (last, self._facts, uuid4()))
        self._connection.execute(_REACHED, (last,))

    def _add(self, table: str, head: int, seed: str) -> None:
        found = self._connection.execute(_COLUMNS, (table,)).fetchall()
        columns = [(name, type_) for name, type_ in found]
        self._run(
            "insert into {table} ({columns}) select {values} from {aside}",
            table,
            columns=sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
            values=sql.SQL(", ").join(_value(name, type_, head, seed) for name, type_ in columns),
        )

    def _run(self, statement: str, table: str, **parts: sql.Composable) -> None:
        names = {
            "table": sql.Identifier(*table.split(".")),
            "aside": sql.Identifier("aside", table.replace(".", "_")),
        }
        self._connection.execute(sql.SQL(statement).format(**names, **parts))

    def _number(self, query: str) -> int:
        row = self._connection.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])


def _value(name: str, type_: str, head: int, seed: str) -> sql.Composable:
    column = sql.Identifier(name)
    if name in _KEPT:
        return column
    if type_ == "uuid":
        return sql.SQL("md5({}::text || {})::uuid").format(column, sql.Literal(seed))
    if type_ == "bigint":
        return sql.SQL("{} + {}").format(column, sql.Literal(head))
    return column
