"""Erasures as they stand: a table that the facts tell, and where what was done is written down."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from domain.customer.events import (
    CustomerErased,
    ErasureBegun,
    ErasureCancelled,
    ErasureCertified,
    ErasureRequested,
    LegalHoldLifted,
    LegalHoldPlaced,
)
from domain.shared.events import Event, decode
from domain.shared.refusals import NotFound
from infra.event_store.membership import customer_of, origins_of
from infra.postgres import Connection

CHUNK: Final = 500_000
"""Positions that are looked through in one go."""

_COLUMNS: Final = (
    "erasure, customer, shop, asked_by, requested_at, due_at, state, waits_for, erased_at, "
    "position, identities, refused, answers, certificate"
)
_FACTS: Final = """
select position, type, type_version, body, stream, subject, shop, recorded_at from log.fact
where position > %s and position <= %s and type = any(%s) order by position
"""
_TYPES: Final = [
    kind.stored.name
    for kind in (
        ErasureRequested,
        ErasureCancelled,
        ErasureBegun,
        CustomerErased,
        ErasureCertified,
        LegalHoldPlaced,
        LegalHoldLifted,
    )
]


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """An erasure as it stands: waiting, cancelled, erasing, erased or certified.

    `waits_for`: open-order, legal-hold, recognised; `identities`: all that the customer was known
    by when it began; `refused`, `answers`: how many refused events and kept answers were destroyed.
    """

    erasure: UUID
    customer: UUID
    shop: str
    asked_by: str
    requested_at: datetime
    due_at: datetime
    state: str
    waits_for: Sequence[str]
    erased_at: datetime | None
    position: int | None
    identities: Sequence[UUID]
    refused: int
    answers: int
    certificate: bytes | None


def follow(connection: Connection) -> None:
    """Bring the tables up to the log's head; whoever else does it waits."""
    while True:
        with connection.transaction():
            row = connection.execute(
                "select c.position, (select coalesce(max(position), 0) from log.batch)"
                " from log.erasure_cursor c for update of c"
            ).fetchone()
            assert row is not None
            after, head = row
            upto = min(head, after + CHUNK)
            if upto == after:
                return
            for told in connection.execute(_FACTS, (after, upto, _TYPES)).fetchall():
                _take(connection, *told)
            connection.execute("update log.erasure_cursor set position = %s", (upto,))


def _take(  # noqa: PLR0913, PLR0917  # a fact has as many parts
    connection: Connection,
    position: int,
    type_: str,
    version: int,
    body: bytes,
    stream: UUID,
    customer: UUID,
    shop: str,
    recorded_at: datetime,
) -> None:
    event: Event = decode(type_, version, body, stream, None, None)
    tell: Callable[..., Any] = connection.execute
    match event:
        case ErasureRequested():
            tell(
                "insert into log.erasure (erasure, customer, shop, asked_by, requested_at, due_at)"
                " values (%s, %s, %s, %s, %s, %s) on conflict do nothing",
                (event.erasure, customer, shop, event.by.value, recorded_at, event.due_at),
            )
        case ErasureCancelled():
            tell(
                "update log.erasure set state = 'cancelled' where erasure = %s"
                " and state = 'waiting'",
                (event.erasure,),
            )
        case ErasureBegun():
            tell(
                "update log.erasure set state = 'erasing', waits_for = '{}', identities = %s"
                " where erasure = %s and state = 'waiting'",
                (list(event.identities), event.erasure),
            )
        case CustomerErased():
            tell(
                "update log.erasure set state = 'erased', waits_for = '{}', position = %s,"
                " erased_at = %s where erasure = %s and state in ('waiting', 'erasing')",
                (position, recorded_at, event.erasure),
            )
            tell(
                "update log.erasure set state = 'cancelled', waits_for = '{}'"
                " where customer = any(%s) and state = 'waiting'",
                (list(event.identities),),
            )
        case ErasureCertified():
            tell("update log.erasure set state = 'certified' where erasure = %s", (event.erasure,))
        case LegalHoldPlaced(reason=reason):
            tell(
                "insert into log.legal_hold values (%s, %s)"
                " on conflict (customer) do update set reason = excluded.reason",
                (customer, reason),
            )
        case LegalHoldLifted():
            owner = customer_of(connection, customer, at=position)
            theirs = origins_of(connection, owner, at=position)
            tell("delete from log.legal_hold where customer = any(%s)", (theirs,))
        case _:
            pass


def due(connection: Connection) -> list[Erasure]:
    """Return erasures whose time has come, and those that were begun, the longest due first."""
    with connection.cursor(row_factory=class_row(Erasure)) as cursor:
        cursor.execute(
            f"select {_COLUMNS} from log.erasure"  # noqa: S608  # constant columns
            " where state in ('waiting', 'erasing', 'erased') and due_at <= clock_timestamp()"
            " order by due_at limit 1000"
        )
        return cursor.fetchall()


def find(connection: Connection, erasure: UUID) -> Erasure:
    """Return an erasure. Raises NotFound."""
    with connection.cursor(row_factory=class_row(Erasure)) as cursor:
        cursor.execute(f"select {_COLUMNS} from log.erasure where erasure = %s", (erasure,))  # noqa: S608  # constant columns
        found = cursor.fetchone()
    if found is None:
        raise NotFound(what="erasure", id=erasure)
    return found


def latest(connection: Connection, limit: int) -> list[Erasure]:
    """Return the erasures that were asked for last."""
    with connection.cursor(row_factory=class_row(Erasure)) as cursor:
        cursor.execute(
            f"select {_COLUMNS} from log.erasure order by requested_at desc, erasure limit %s",  # noqa: S608  # constant columns
            (limit,),
        )
        return cursor.fetchall()


def is_held(connection: Connection, identities: Collection[UUID]) -> bool:
    """Tell whether the law forbids to forget any of these."""
    found = connection.execute(
        "select from log.legal_hold where customer = any(%s)", (list(identities),)
    )
    return found.rowcount > 0


def waits(connection: Connection, erasure: UUID, reasons: Collection[str]) -> None:
    """Write down what an erasure waits for."""
    connection.execute(
        "update log.erasure set waits_for = %s where erasure = %s and waits_for <> %s",
        (list(reasons), erasure, list(reasons)),
    )


def keep_certificate(connection: Connection, erasure: UUID, certificate: bytes) -> bytes:
    """Keep a certificate unless there is one; return the one that is kept."""
    row = connection.execute(
        "update log.erasure set certificate = coalesce(certificate, %s) where erasure = %s"
        " returning certificate",
        (certificate, erasure),
    ).fetchone()
    assert row is not None
    return bytes(row[0])
