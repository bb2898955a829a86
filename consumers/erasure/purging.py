"""What is destroyed of somebody besides keys: refused events, kept answers, sealed columns."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql

from domain.customer.events import Person
from domain.shared.events import Fact
from domain.shared.ids import Ids
from domain.shared.personal import KeyForgotten
from infra.refused import PURPOSE, Packet
from infra.sealing import PersonKeys
from projections.projection import View
from projections.runtime import schema
from projections.runtime.columns import GONE, personal_columns

Connection = psycopg.Connection[Any]

CHUNK: Final = 500
_SHORTEST: Final = 6
"""Characters of an address or number that is looked for as it stands."""

_IDS: Final = re.compile(
    rb'"(userId|anonymousId|previousId|user_id|anonymous_id)"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)'
)
_REFUSED: Final = """
select id, source, period, sealed from log.refused
where shop = %s and id > %s order by id limit %s
"""
_NOBODY: Final = UUID(int=0)


class Marks(msgspec.Struct, frozen=True):
    """What a message of somebody's is known by: their identities, addresses and numbers."""

    identities: frozenset[UUID]
    words: frozenset[bytes] = frozenset()

    def are_in(self, message: bytes, ids: Ids, shop: str) -> bool:
        """Tell whether a message names them."""
        small = message.lower()
        if any(word in small for word in self.words):
            return True
        return any(named in self.identities for named in _named(message, ids, shop))


def marks_of(identities: Collection[UUID], facts: Iterable[Fact]) -> Marks:
    """Return what somebody is known by, as far as their facts still open."""
    words = set()
    for fact in facts:
        person = getattr(fact.event, "person", None)
        if isinstance(person, Person):
            words |= {w.lower().encode() for w in (person.email, person.phone) if w}
    return Marks(frozenset(identities), frozenset(w for w in words if len(w) >= _SHORTEST))


def _named(message: bytes, ids: Ids, shop: str) -> Iterator[UUID]:
    for kind, said in _IDS.findall(message):
        try:
            value = str(msgspec.json.decode(said))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        yield ids.user(shop, value)
        if kind != b"userId":
            yield ids.anonymous(shop, value)


def purge_refused(
    connection: Connection, keys: PersonKeys, ids: Ids, shop: str, marks: Marks
) -> int:
    """Delete the refused events that name somebody; return how many there were."""
    last, gone = _NOBODY, 0
    while rows := connection.execute(_REFUSED, (shop, last, CHUNK)).fetchall():
        last = rows[-1][0]
        theirs = [
            id_
            for id_, source, period, sealed in rows
            if _is_theirs(keys, ids, (shop, source, period), sealed, marks)
        ]
        if theirs:
            gone += connection.execute(
                "delete from log.refused where id = any(%s)", (theirs,)
            ).rowcount
    return gone


def _is_theirs(
    keys: PersonKeys, ids: Ids, where: tuple[str, str, str], sealed: bytes, marks: Marks
) -> bool:
    try:
        plain = keys.open_period(PURPOSE, *where, sealed)
    except KeyForgotten:
        return False  # nobody reads it any more
    if plain is None:
        return False
    return marks.are_in(msgspec.msgpack.decode(plain, type=Packet).message, ids, where[0])


def purge_answers(connection: Connection, identities: Collection[UUID], customer: UUID) -> int:
    """Delete answers that are kept to be given again, and jobs that name somebody."""
    whose = list(identities)
    gone = connection.execute(
        "delete from log.idempotency i using log.fact f"
        " where f.position = i.position and f.origin = any(%s)",
        (whose,),
    ).rowcount
    named = [f"%{name}%" for it in {*whose, customer} for name in (str(it), it.hex)]
    gone += connection.execute(
        "delete from log.job where finished_at is not null"
        " and (asked::text like any(%s) or answer::text like any(%s))",
        (named, named),
    ).rowcount
    return gone


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
