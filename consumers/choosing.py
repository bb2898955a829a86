"""Which facts an auditor asks for: somebody's, an order's, a ticket's, a campaign's, a period's."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from consumers.named import named
from domain.shared.ids import Ids
from infra.event_store import LogReader
from infra.postgres import Connection

MOST: Final = 100_000

_BOUNDS: Final = """
select coalesce((select max(position) from log.batch where recorded_at < %s), 0),
       coalesce((select max(position) from log.batch where recorded_at < %s), 0)
"""
_OF_ORIGINS: Final = "select position, causation from log.fact where origin = any(%s)"
_OF_STREAMS: Final = (
    "select position, causation from log.fact where stream = any(%s) "
    "and (type not like 'activity.%%' or origin = any("
    "array(select origin from log.stream where id = any(%s))))"
)
_ORIGINS: Final = "select origin from log.stream where id = any(%s) and origin is not null"
_OF_PERIOD: Final = "select position, causation from log.fact where true"


class TooMany(Exception):
    """These are more than 100,000 facts, or reads: ask for a shorter period."""


class AboutNothing(Exception):
    """Say what it is about: --customer, --order, --ticket, --campaign, or a period of everybody."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a package is to be about, all of it; ids as the shop says them, or UUIDs.

    A period, `since` to `until`, bounds what is named; by itself it is about everybody.
    """

    shop: str
    customer: str | None = None
    order: str | None = None
    ticket: str | None = None
    campaign: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_about_everybody(self) -> bool:
        return not {"customer", "order", "ticket", "campaign"} & set(self.told())

    @property
    def is_about_nothing(self) -> bool:
        return set(self.told()) == {"shop"}

    def told(self) -> dict[str, str]:
        given = msgspec.structs.asdict(self).items()
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in given
            if value is not None
        }


class Chosen(msgspec.Struct, frozen=True):
    """The positions of facts, in order, and the customers and visitors that they are about.

    None: it is about everybody; nobody: it is about no person.
    """

    positions: Sequence[int]
    people: tuple[UUID, ...] | None


def choose(connection: Connection, reader: LogReader, ids: Ids, asked: Asked, upto: int) -> Chosen:
    """Find the facts asked for, up to a position, and the messages they were told by.

    Raises AboutNothing, TooMany.
    """
    if asked.is_about_nothing:
        raise AboutNothing(AboutNothing.__doc__)
    people: list[UUID] = []
    found: list[tuple[int, UUID | None]] = []
    streams = _streams(ids, asked)
    if asked.customer is not None:
        customer = reader.customer_of(named(asked.customer, "user", ids.user, asked.shop))
        people += reader.origins_of(customer, at=upto)
        found += _rows(connection, _OF_ORIGINS, (people,), asked, upto)
    if streams:
        people += _customers(connection, reader, streams, upto)
        found += _rows(connection, _OF_STREAMS, (streams, streams), asked, upto)
    if asked.is_about_everybody:
        found += _rows(connection, _OF_PERIOD, (), asked, upto)
    causes = list({cause for _, cause in found if cause is not None})
    told = _rows(connection, _OF_STREAMS, (causes, causes), None, upto)
    whose = None if asked.is_about_everybody else tuple(dict.fromkeys(people))
    return Chosen(sorted({position for position, _ in (*found, *told)}), whose)


def _customers(
    connection: Connection, reader: LogReader, streams: Sequence[UUID], upto: int
) -> list[UUID]:
    """Return who the customers of orders and tickets ever were."""
    rows = connection.execute(_ORIGINS, (streams,)).fetchall()
    customers = {reader.customer_of(origin) for (origin,) in rows}
    return [one for customer in customers for one in reader.origins_of(customer, at=upto)]


def _streams(ids: Ids, asked: Asked) -> list[UUID]:
    known = (
        (asked.order, "number", ids.order),
        (asked.ticket, "number", ids.ticket),
        (asked.campaign, "code", ids.campaign),
    )
    return [
        named(given, kind, derive, asked.shop) for given, kind, derive in known if given is not None
    ]


def _rows(
    connection: Connection, query: str, values: tuple[object, ...], asked: Asked | None, upto: int
) -> list[tuple[int, UUID | None]]:
    low, high = 0, upto
    if asked is not None:
        first = asked.since or datetime.min.replace(tzinfo=UTC)
        until = asked.until or datetime.max.replace(tzinfo=UTC)
        row = connection.execute(_BOUNDS, (first, until)).fetchone()
        assert row is not None
        low, high = row[0], min(row[1], upto)
    whole = f"{query} and position > %s and position <= %s limit {MOST + 1}"
    rows = connection.execute(whole.encode(), (*values, low, high)).fetchall()
    if len(rows) > MOST:
        raise TooMany(TooMany.__doc__)
    return rows
