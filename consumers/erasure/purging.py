"""What is destroyed of somebody besides keys: refused events, kept answers, sealed columns."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql

from consumers.erasure.spelling import address, has_address, has_number, number, small, spellings
from domain.customer.events import Person
from domain.shared.events import Fact
from domain.shared.ids import Ids
from infra.naming import identities_named
from infra.refused import Packet
from infra.sealing import PersonKeys, RefusedEvent
from projections.projection import View
from projections.runtime import schema
from projections.runtime.columns import GONE, personal_columns

Connection = psycopg.Connection[Any]

CHUNK: Final = 500
_SHORTEST: Final = 6
"""Characters of an address or number that is looked for as it stands."""

_REFUSED: Final = """
select id, shop, source, period, sealed from log.refused
where (shop = %s or %s) and id > %s order by id limit %s
"""
_NOBODY: Final = UUID(int=0)
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


class Marks(msgspec.Struct, frozen=True):
    """What a message of somebody's is known by: their identities, addresses and numbers.

    `words` are looked for as they were written, in their own shop alone.
    """

    identities: frozenset[UUID]
    words: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()

    @property
    def are_everywhere(self) -> bool:
        """Whether they name one person in every shop."""
        return bool(self.addresses or self.numbers)

    def are_in(self, message: bytes, ids: Ids, shop: str, *, own: bool = True) -> bool:
        """Tell whether a message names them; `own`: it is of the shop that their ids are of."""
        if own and not self.identities.isdisjoint(identities_named(message, ids, shop)):
            return True
        if not self.words and not self.are_everywhere:
            return False
        return any(
            has_address(text, self.addresses)
            or has_number(text, self.numbers)
            or (own and any(word in text for word in self.words))
            for text in spellings(message)
        )


def marks_of(identities: Collection[UUID], facts: Iterable[Fact]) -> Marks:
    """Return what somebody is known by, as far as their facts still open."""
    people = [
        person
        for fact in facts
        if isinstance(person := getattr(fact.event, "person", None), Person)
    ]
    emails = {person.email for person in people if person.email}
    phones = {person.phone for person in people if person.phone}
    words = {small(phone.strip()) for phone in phones}
    words |= {small(email.strip()) for email in emails if address(email) is None}
    return Marks(
        frozenset(identities),
        words=frozenset(word for word in words if len(word) >= _SHORTEST),
        addresses=frozenset(it for email in emails if (it := _long(address(email)))),
        numbers=frozenset(it for phone in phones if (it := number(phone))),
    )


def _long(word: str | None) -> str | None:
    return word if word is not None and len(word) >= _SHORTEST else None


def purge_refused(
    connection: Connection, keys: PersonKeys, ids: Ids, shop: str, marks: Marks
) -> int:
    """Delete the refused events that name somebody, keys first; return how many there were.

    By their ids in their own shop, by an address or a number in every shop. With them go those
    that nothing opens: of one that was broken off here, and of a backup from before.
    """
    gone = 0
    for chunk in refused(connection, keys, shop, everywhere=marks.are_everywhere):
        theirs = [
            event.id
            for event, message in chunk
            if message is None or marks.are_in(message, ids, event.shop, own=event.shop == shop)
        ]
        if theirs:
            keys.forget_refused(theirs)
            gone += connection.execute(
                "delete from log.refused where id = any(%s)", (theirs,)
            ).rowcount
    return gone


def refused(
    connection: Connection, keys: PersonKeys, shop: str, *, everywhere: bool = False
) -> Iterator[list[tuple[RefusedEvent, bytes | None]]]:
    """Yield a shop's refused events, or all of them, some at a time, with what was sent."""
    last = _NOBODY
    while rows := connection.execute(_REFUSED, (shop, everywhere, last, CHUNK)).fetchall():
        last = rows[-1][0]
        events = [RefusedEvent(*row) for row in rows]
        yield list(zip(events, map(_message, keys.open_refused(events)), strict=True))


def _message(plain: bytes | None) -> bytes | None:
    return None if plain is None else msgspec.msgpack.decode(plain, type=Packet).message


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
