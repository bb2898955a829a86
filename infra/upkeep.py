"""Upkeep: when the last backup, drill and seal were done, written down beside the log.

By the database's clock and by the log's positions: the machine that did it may have no clock.
"""

from contextlib import closing, suppress
from datetime import datetime, timedelta
from typing import Final

import msgspec
import psycopg
import structlog

from infra.postgres import WRITER, Connection, Pool, connect

BACKUP: Final = "backup"
DRILL: Final = "drill"
SEAL: Final = "seal"

_READ: Final = """
select w.what, d.at, d.position, f.at, f.failure,
  extract(epoch from clock_timestamp() - coalesce(d.at, log.begun_at))::float8,
  log.head - coalesce(d.position, 0)
from (select coalesce((select max(position) from log.batch), 0) as head,
             coalesce((select recorded_at from log.batch order by position limit 1),
                      clock_timestamp()) as begun_at) as log
cross join unnest(%s::text[]) with ordinality as w(what, n)
left join lateral (select id, at, position from log.upkeep u
                   where u.what = w.what and u.failure is null
                   order by id desc limit 1) as d on true
left join lateral (select at, failure from log.upkeep u
                   where u.what = w.what and u.failure is not null and u.id > coalesce(d.id, 0)
                   order by id desc limit 1) as f on true
order by w.n
"""
_DUE: Final = """
select not exists (
  select from log.upkeep where what = %s and at > clock_timestamp()
    - case when failure is null then %s else least(%s, interval '1 hour') end)
"""
_NOTE: Final = "insert into log.upkeep (what, position, failure) values (%s, %s, %s)"

log = structlog.get_logger("upkeep")


class Upkeep(msgspec.Struct, frozen=True):
    """When one thing was last done, up to which fact; when and why it failed since.

    `seconds` ago, `facts` recorded since; of what was never done, since the log began.
    """

    what: str
    at: datetime | None
    position: int | None
    failed_at: datetime | None
    failure: str | None
    seconds: float
    facts: int


def note(
    connection: Connection, what: str, position: int | None, failure: str | None = None
) -> None:
    """Write down that something was done up to a fact, or why it was not."""
    connection.execute(_NOTE, (what, position, failure))


def note_at(url: str, what: str, position: int | None, failure: str | None = None) -> None:
    """Write it down by a connection of its own. Raises psycopg.Error."""
    with closing(connect(url, WRITER)) as connection, suppress(psycopg.errors.UndefinedTable):
        note(connection, what, position, failure)  # a backup may come before its tables


def is_due(connection: Connection, what: str, every: timedelta) -> bool:
    """Tell whether it was not done for so long; what failed is tried again after an hour."""
    return connection.execute(_DUE, (what, every, every)).fetchone() == (True,)


def upkeep_of(connection: Connection) -> list[Upkeep]:
    """Tell when each thing was last done."""
    rows = connection.execute(_READ, ([BACKUP, DRILL, SEAL],)).fetchall()
    return [Upkeep(*row) for row in rows]


class AllUpkeep:
    """What the metrics ask."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def __call__(self) -> list[Upkeep]:
        """Return when each was done; without a database that answers in time, nothing."""
        try:
            with self._pool.connection(timeout=2) as connection:
                return upkeep_of(connection)
        except psycopg.Error as error:
            log.warning("metrics.unread", error=type(error).__name__)
            return []
