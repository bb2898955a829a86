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
_OF_PERIOD: Final = "select position, causation from log.fact where true"


class TooMany(Exception):
    """These are more than 100,000 facts: ask for a shorter period."""


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
    """The positions of facts, in order, and the customers and visitors that were asked about."""

    positions: Sequence[int]
    people: tuple[UUID, ...]


def choose(connection: Connection, reader: LogReader, ids: Ids, asked: Asked, upto: int) -> Chosen:
    """Find the facts asked for, up to a position, and the messages they were told by.

    Raises AboutNothing, TooMany.
    """
    if asked.is_about_nothing:
        raise AboutNothing(AboutNothing.__doc__)
    people: tuple[UUID, ...] = ()
    found: list[tuple[int, UUID | None]] = []
    streams = _streams(ids, asked)
    if asked.customer is not None:
        customer = reader.customer_of(named(asked.customer, "user", ids.user, asked.shop))
        people = tuple(reader.origins_of(customer, at=upto))
        found += _rows(connection, _OF_ORIGINS, (list(people),), asked, upto)
    if streams:
        found += _rows(connection, _OF_STREAMS, (streams, streams), asked, upto)
    if asked.customer is None and not streams:
        found += _rows(connection, _OF_PERIOD, (), asked, upto)
    causes = list({cause for _, cause in found if cause is not None})
    told = _rows(connection, _OF_STREAMS, (causes, causes), None, upto)
    return Chosen(sorted({position for position, _ in (*found, *told)}), people)


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
