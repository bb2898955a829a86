"""What is destroyed of somebody besides keys: refused events, kept answers, sealed columns."""

from collections.abc import Collection, Mapping
from contextlib import nullcontext
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from domain.shared.ids import Ids
from infra.refused import naming
from infra.sealing import PersonKeys
from projections.marks import Marks
from projections.projection import View
from projections.runtime import schema
from projections.runtime.columns import GONE, personal_columns

Connection = psycopg.Connection[Any]

_ADDRESSED: Final = "encode(substring(answer from 8 for 36), 'escape')"
"""The id with which an answer begins, of what the command was about."""

_ANSWERS: Final = f"""
answer like any(%(in_bytes)s)
or position in (select position from log.fact where origin = any(%(whose)s))
or position is null and (
  select origin from log.stream
  where id = case when {_ADDRESSED} ~ '^[0-9a-f-]{{36}}$' then {_ADDRESSED}::uuid end
) = any(%(whose)s)
"""  # noqa: S608  # constants
"""Answers that name somebody, that are of facts of theirs, or of asking for what was so already."""

_JOBS: Final = """
finished_at is not null and (asked::text like any(%(named)s) or answer::text like any(%(named)s))
"""

_KEPT: Final = {"log.idempotency": _ANSWERS, "log.job": _JOBS}


def purge_refused(
    connection: Connection, keys: PersonKeys, ids: Ids, shop: str, marks: Marks
) -> int:
    """Delete the refused events that name somebody, keys first; return how many there were.

    By their ids in their own shop, by an address or a number in every shop. With them go those
    that nothing opens: of one that was broken off here, and of a backup from before.
    """
    gone = 0
    for chunk in naming(lambda: nullcontext(connection), keys, ids, shop, marks):
        theirs = [event.id for event, _ in chunk]
        keys.forget_refused(theirs)
        gone += connection.execute("delete from log.refused where id = any(%s)", (theirs,)).rowcount
    return gone


def purge_answers(connection: Connection, identities: Collection[UUID], customer: UUID) -> int:
    """Delete answers that are kept to be given again, and jobs that name somebody."""
    about = _about(identities, customer)
    return sum(
        connection.execute(f"delete from {table} where {theirs}", about).rowcount  # noqa: S608  # constants
        for table, theirs in _KEPT.items()
    )


def answers_before(
    connection: Connection, identities: Collection[UUID], customer: UUID, before: datetime
) -> int:
    """Count those that `purge_answers` would delete, of before an instant."""
    asked = {**_about(identities, customer), "before": before}
    return sum(
        connection.execute(
            f"select from {table} where ({theirs}) and created_at < %(before)s",
            asked,
        ).rowcount
        for table, theirs in _KEPT.items()
    )


def _about(identities: Collection[UUID], customer: UUID) -> dict[str, Any]:
    named = [f"%{name}%" for it in {*identities, customer} for name in (str(it), it.hex)]
    return {
        "whose": list(identities),
        "named": named,
        "in_bytes": [name.encode() for name in named],
    }


def purge_columns(
    views: Connection, catalogue: Mapping[str, View], identities: Collection[UUID]
) -> dict[str, int]:
    """Empty somebody's sealed columns, which nothing opens; return rows by table and column."""
    purged: dict[str, int] = {}
    for view in catalogue.values():
        served = schema.active(views, view.name)
        if served is None:
            continue
        for table in view.tables:
            for column in sorted(personal_columns(table)):
                statement = sql.SQL(
                    "update {table} set {column} = %s where {subject} = any(%s) and {column} <> %s"
                ).format(
                    table=sql.Identifier(served.schema, table.name),
                    column=sql.Identifier(column),
                    subject=sql.Identifier(table.key[0]),
                )
                views.execute(statement, (GONE, list(identities), GONE))
                purged[f"{table.name}.{column}"] = _empty(
                    views, served.schema, table.name, column, table.key[0], identities
                )
    return purged


def _empty(  # noqa: PLR0913, PLR0917  # where it is
    views: Connection,
    where: str,
    table: str,
    column: str,
    subject: str,
    identities: Collection[UUID],
) -> int:
    """Return how many rows of somebody's have nothing any more in a column that had something."""
    row = views.execute(
        sql.SQL("select count(*) from {table} where {subject} = any(%s) and {column} = %s").format(
            table=sql.Identifier(where, table),
            column=sql.Identifier(column),
            subject=sql.Identifier(subject),
        ),
        (list(identities), GONE),
    ).fetchone()
    return 0 if row is None else int(row[0])
