"""Erasures as they stand: a table that the facts tell, and where what was done is written down."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from domain.shared.refusals import NotFound
from infra.erasure_certificate import certificate_of, digest_of
from infra.postgres import Connection

_COLUMNS: Final = (
    "erasure, customer, shop, asked_by, requested_at, due_at, state, "
    "case state when 'cancelled' then '{}' else waits_for end as waits_for, erased_at, "
    "position, identities, refused, answers, certificate, digest"
)
_HOLDS: Final = """
with held as materialized (
  select customer from log.legal_hold
  union
  select m.customer from log.membership m join log.legal_hold h on h.customer = m.identity
  where m.until is null
), early as (
  select erasure, case when customer in (select customer from held)
    then array['legal-hold'] else array[]::text[] end as why
  from log.erasure where state = 'waiting' and due_at > clock_timestamp()
)
update log.erasure e set waits_for = early.why from early
where e.erasure = early.erasure and e.waits_for <> early.why
"""
_FOLLOW: Final = "select log.follow_erasures()"
"""The owner's function: what facts tell of erasures nobody else may write."""


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """An erasure as it stands: waiting, cancelled, erasing, erased or certified.

    `waits_for`: open-order, legal-hold, recognised; `identities`: all that the customer was known
    by when it began; `refused`, `answers`: how many refused events and kept answers were destroyed.
    `digest`: of the certificate, as the log has it.
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
    digest: str | None

    @property
    def proof(self) -> bytes | None:
        """The certificate, if it is the one that the log tells of."""
        if self.certificate is None or digest_of(self.certificate) != self.digest:
            return None
        return self.certificate


def follow(connection: Connection) -> None:
    """Bring the tables up to the log's head; whoever else does it waits."""
    while connection.execute(_FOLLOW).fetchone() != (0,):
        pass  # as many facts as one transaction looks through


def due(connection: Connection, *states: str) -> list[Erasure]:
    """Return erasures whose time has come, in these states or any, a thousand at most.

    The longest due first; then of those that were found to wait, whichever, so that each is looked
    at again however many wait.
    """
    with connection.cursor(row_factory=class_row(Erasure)) as cursor:
        cursor.execute(
            f"select {_COLUMNS} from log.erasure"  # noqa: S608  # constant columns
            " where state in ('waiting', 'erasing', 'erased') and due_at <= clock_timestamp()"
            " and (state = any(%(states)s) or %(states)s = '{}')"
            " order by waits_for <> '{}', case when waits_for = '{}' then due_at end, random()"
            " limit 1000",
            {"states": list(states)},
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


def of(connection: Connection, customers: Collection[UUID]) -> list[Erasure]:
    """Return the erasures that were asked for somebody, the earliest first."""
    with connection.cursor(row_factory=class_row(Erasure)) as cursor:
        cursor.execute(
            f"select {_COLUMNS} from log.erasure where customer = any(%s)"  # noqa: S608  # constant columns
            " order by requested_at, erasure",
            (list(customers),),
        )
        return cursor.fetchall()


def is_held(connection: Connection, identities: Collection[UUID]) -> bool:
    """Tell whether the law forbids to forget any of these."""
    found = connection.execute(
        "select from log.legal_hold where customer = any(%s)", (list(identities),)
    )
    return found.rowcount > 0


def tell_holds(connection: Connection) -> None:
    """Write down which erasures that are not due yet the law forbids."""
    connection.execute(_HOLDS)


def waits(connection: Connection, erasure: UUID, reasons: Collection[str]) -> None:
    """Write down what an erasure waits for."""
    connection.execute(
        "update log.erasure set waits_for = %s where erasure = %s and waits_for <> %s",
        (list(reasons), erasure, list(reasons)),
    )


def keep_certificate(connection: Connection, erasure: UUID, certificate: bytes) -> bytes:
    """Keep a certificate unless the same service made one before; return the one that is kept."""
    with connection.transaction():
        row = connection.execute(
            "select certificate from log.erasure where erasure = %s for update", (erasure,)
        ).fetchone()
        assert row is not None
        if row[0] is not None and _is_alike(row[0], certificate):
            return bytes(row[0])
        connection.execute(
            "update log.erasure set certificate = %s where erasure = %s", (certificate, erasure)
        )
    return certificate


def _is_alike(kept: bytes, made: bytes) -> bool:
    """Tell whether a certificate that is kept is of the erasure and the service of another one."""
    try:
        one = certificate_of(kept)
    except msgspec.DecodeError:
        return False
    other = certificate_of(made)
    return (
        one.is_signed
        and one.public_key == other.public_key
        and one.certified.erasure == other.certified.erasure
    )
