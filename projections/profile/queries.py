"""Customers as they are asked for: one by id, e-mail or phone, or many by what they are and did."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
import psycopg

from domain.shared.personal import Sealer
from domain.shared.refusals import Malformed
from projections.paging import Page, cursor_of, place_of
from projections.profile import contact, lists
from projections.profile.answers import NOT_ASKED, Customer, opened, read
from projections.profile.lists import FROM, LAST_SEEN, LISTED, WITH_STAGE, Order

Connection = psycopg.Connection[Any]
Blind = Callable[[str, str], bytes]

LARGEST_PAGE: Final = 500


class Sort(StrEnum):
    """What a list is sorted by; `-` begins with the largest or latest."""

    NET = "net"
    NET_DOWN = "-net"
    LAST_SEEN = "last_seen"
    LAST_SEEN_DOWN = "-last_seen"
    FIRST_SEEN = "first_seen"
    FIRST_SEEN_DOWN = "-first_seen"
    ORDERS = "orders"
    ORDERS_DOWN = "-orders"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which customers: all that meet every condition that is given.

    `seen_since` (included) and `seen_before` (not) ask for the last activity, or for when somebody
    without any was first heard of. `net` is in each customer's own currency.
    """

    stage: str | None = None
    tier: str | None = None
    tag: str | None = None
    kind: str | None = None
    known: bool | None = None
    consent: str | None = None
    seen_since: datetime | None = None
    seen_before: datetime | None = None
    net_from: Decimal | None = None
    net_to: Decimal | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Which page of a list."""

    sort: Sort = Sort.LAST_SEEN_DOWN
    cursor: str | None = None
    limit: int = 50


def by_id(
    connection: Connection, customer: UUID, *, sealer: Sealer | None = None
) -> Customer | None:
    """Return a customer; with a `sealer` what is personal is opened."""
    found = connection.execute(BY_ID, (customer,), binary=True).fetchone()
    return None if found is None else of_row(found, sealer)


def of_row(found: Sequence[Any], sealer: Sealer | None) -> Customer:
    """Return the customer of a row of BY_ID."""
    *columns, stage, tier, sealed = found
    person = NOT_ASKED if sealer is None else opened(sealer, sealed, columns[0])
    return read(columns, {"stage": stage, "tier": tier}, person=person)


def by_email(connection: Connection, address: str, blind: Blind) -> list[UUID]:
    """Return who has this e-mail address, whoever was last seen first."""
    normal = contact.email(address)
    return _by_index(connection, "email_index", [blind("email", normal)] if normal else [])


def by_phone(connection: Connection, number: str, blind: Blind, region: str) -> list[UUID]:
    """Return who has this phone number; one without a prefix belongs to `region` (ISO 3166)."""
    forms = contact.phones(number, region)
    return _by_index(connection, "phone_index", [blind("phone", form) for form in forms])


def some(
    connection: Connection, wanted: Wanted, part: Part, *, sealer: Sealer | None = None
) -> Page[Customer]:
    """Return a page of customers. Raises Malformed for a cursor that is none of this list."""
    limit = max(1, min(part.limit, LARGEST_PAGE))
    column = part.sort.removeprefix("-")
    order = Order(column, down=part.sort.startswith("-"), follows=part.cursor is not None)
    conditions, values = _conditions(wanted)
    if values.keys() <= {"stage", "tier"}:
        statement = lists.walking(order, _person(sealer))
        values = lists.places(wanted.stage, wanted.tier)
    else:
        statement = lists.sorting(conditions, order, _person(sealer))
    values["limit"] = limit + 1
    if part.cursor is not None:
        place = place_of(part.cursor, Place)
        if place.sort != part.sort:
            raise Malformed(field="cursor", why="it belongs to a list that is sorted otherwise")
        values["last"] = _value(place.value, column)
        values["after"] = place.customer
    found = connection.execute(statement, values, binary=True).fetchall()
    following = None
    if len(found) > limit:
        by, customer, *_ = found[limit - 1]
        following = cursor_of(part.sort, by, customer)
    return Page(_customers(found[:limit], sealer), following)


def every(
    connection: Connection, wanted: Wanted, *, sealer: Sealer | None = None, chunk: int = 1000
) -> Iterator[Customer]:
    """Yield all customers by id, read in chunks: nothing is held open for a slow reader."""
    conditions, values = _conditions(wanted)
    conditions.append("p.customer > %(after)s")
    values |= {"after": UUID(int=0), "limit": chunk}
    ordered = "order by p.customer limit %(limit)s"
    statement = lists.selected("null", conditions, ordered, _person(sealer))
    while True:
        found = connection.execute(statement, values, binary=True).fetchall()
        yield from _customers(found, sealer)
        if len(found) < chunk:
            return
        values["after"] = found[-1][1]


def count(connection: Connection, wanted: Wanted) -> int:
    """Return how many customers there are such."""
    conditions, values = _conditions(wanted)
    where = " and ".join(conditions) or "true"
    row = connection.execute(f"select count(*) {WITH_STAGE} where {where}".encode(), values)
    found: int = row.fetchall()[0][0]
    return found


def served(connection: Connection, customer: UUID, agents: Sequence[str]) -> list[tuple[UUID, str]]:
    """Return a customer's tickets, with their numbers, that these names have and are not closed."""
    return connection.execute(_SERVED, (customer, list(agents))).fetchall()


class Place(NamedTuple):
    """Where a page ended."""

    sort: str
    value: Any
    customer: UUID


BY_ID: Final = (
    f"select {LISTED}, l.stage, l.tier, p.person {WITH_STAGE} where p.customer = %s".encode()
)
"""One customer, with stage, tier and the sealed column `person` last."""
_SERVED: Final = (
    b"select ticket_id, number from huike.profile_ticket where customer = %s and agent = any(%s)"
    b" and status is distinct from 'closed' and number is not null"
)
_SORT_TYPES: Final[dict[str, Any]] = {
    "net": Decimal,
    "last_seen": datetime,
    "first_seen": datetime,
    "orders": int,
}
_CONDITIONS: Final = {
    "stage": "l.stage = %(stage)s",
    "tier": "l.tier = %(tier)s",
    "tag": "%(tag)s = any(p.tags)",
    "kind": "p.kind = %(kind)s",
    "known": "p.known = %(known)s",
    "consent": "%(consent)s = any(p.consents)",
    "seen_since": f"{LAST_SEEN} >= %(seen_since)s",
    "seen_before": f"{LAST_SEEN} < %(seen_before)s",
    "net_from": "p.net >= %(net_from)s",
    "net_to": "p.net <= %(net_to)s",
}


def _conditions(wanted: Wanted) -> tuple[list[str], dict[str, Any]]:
    given = {n: v for n, v in msgspec.structs.asdict(wanted).items() if v is not None}
    return [_CONDITIONS[name] for name in given], given


def _value(value: Any, column: str) -> Any:
    try:
        return msgspec.convert(value, _SORT_TYPES[column])
    except msgspec.ValidationError:
        raise Malformed(field="cursor", why="not a cursor of this list") from None


def _person(sealer: Sealer | None) -> str:
    return "p.person" if sealer else "null"


def _customers(found: Sequence[Sequence[Any]], sealer: Sealer | None) -> list[Customer]:
    if sealer is not None:
        sealer.load({customer for _by, customer, *_ in found})
    customers = []
    for _by, _customer, *columns, stage, tier, sealed in found:
        if columns[0] is None:
            continue  # the profile has not heard of them yet
        person = opened(sealer, sealed, columns[0]) if sealer else NOT_ASKED
        customers.append(read(columns, {"stage": stage, "tier": tier}, person=person))
    return customers


def _by_index(connection: Connection, column: str, indexes: list[bytes]) -> list[UUID]:
    found = connection.execute(
        f"select customer {FROM} where {column} = any(%s) "
        f"order by {LAST_SEEN} desc, customer limit 100".encode(),
        (indexes,),
    )
    return [customer for (customer,) in found]
