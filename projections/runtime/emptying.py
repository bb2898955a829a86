"""Sealed columns of people who are forgotten, emptied: nothing opens what stands there."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from projections.projection import View
from projections.runtime.columns import GONE, personal_columns

Connection = psycopg.Connection[Any]
Emptied = Mapping[str, Mapping[UUID, int]]
"""Rows whose sealed value is taken out, by table and column, and by whose they are."""

_EMPTY: Final = sql.SQL(
    "update {table} set {column} = %(gone)s"
    " where {subject} = any(%(whose)s) and {column} <> %(gone)s"
)
_EMPTIED: Final = sql.SQL(
    "select {subject}, count(*) from {table}"
    " where {subject} = any(%(whose)s) and {column} = %(gone)s group by {subject}"
)


def empty(connection: Connection, view: View, schema: str, identities: Collection[UUID]) -> Emptied:
    """Empty people's sealed columns in the tables of one generation; return what is empty."""
    emptied: dict[str, Mapping[UUID, int]] = {}
    asked = {"whose": list(identities), "gone": GONE}
    for table in view.tables:
        for column in sorted(personal_columns(table)):
            about = {
                "table": sql.Identifier(schema, table.name),
                "column": sql.Identifier(column),
                "subject": sql.Identifier(table.key[0]),
            }
            connection.execute(_EMPTY.format(**about), asked)
            rows = connection.execute(_EMPTIED.format(**about), asked).fetchall()
            emptied[f"{table.name}.{column}"] = Counter(dict(rows))
    return emptied
