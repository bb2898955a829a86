"""Retention: what a source sent in a month is made unreadable after so many months; reads, too."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias

import msgspec
import psycopg
from msgspec import UNSET, UnsetType
from psycopg import sql

from infra.access_chain import Run
from infra.certificates import Certificate, read, signed
from infra.postgres import OWNER, Connection, connect
from infra.signing import Signer

ANY: Final = "*"
"""Stands for every source that is not named."""

READS: Final = "access"
"""Stands for the access log, whose months have keys too."""

PURPOSES: Final = ["original", "refused"]
"""What the keys are for that a month of a source has."""

_RETAINING: Final = 4_851_108
_MONTHS: Final = 12
_LIVING: Final = """
select shop, source, period from keeper.period_key
where purpose = any(%s) and wrapped is not null group by shop, source, period
order by period, shop, source
"""
_READABLE: Final = """
select shop, period from keeper.period_key
where purpose = %s and wrapped is not null order by period, shop
"""
_DESTROY: Final = """
update keeper.period_key set wrapped = null, destroyed_at = clock_timestamp()
where purpose = any(%s) and shop = %s and source = %s and period = %s and wrapped is not null
returning purpose
"""
_STILL: Final = """
select exists (select from keeper.period_key
               where purpose = 'original' and period = %s and wrapped is not null)
"""
_EVENTS: Final = """
with gone as (delete from log.refused where shop = %s and source = %s and period = %s returning id),
keys as (delete from keeper.refused_key k using gone where k.id = gone.id)
select count(*) from gone
"""
_LAST_READ: Final = "select coalesce(max(id), 0) from log.access"
_RUNS: Final = """
insert into log.access_destroyed (first, last, chain)
select run.first, run.last, a.chain from (
  select min(id) as first, max(id) as last from (
    select id, id - row_number() over (order by id) as island from log.access
    where id <= %s and chain is not null
      and (shop, period) in (select * from unnest(%s::text[], %s::text[]))
  ) as each_one group by island
) as run join log.access a on a.id = run.last
returning first, last, encode(chain, 'hex')
"""
_ENTRIES: Final = "delete from log.access where shop = %s and period = %s and id <= %s"
_LATEST: Final = "select at, certificate from log.retention order by id desc limit 1"


Name: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[^\0]*\Z")]
MonthName: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A(?!0000)[0-9]{4}-(0[1-9]|1[0-2])\Z")]
"""As `2025-11`: what a certificate says is asked of the database."""


class RetentionHeldUp(Exception):
    """Somebody reads or writes what is to be dropped just now; it is tried again later."""


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """One month of one source (`2025-11`)."""

    shop: Name
    source: Name
    month: MonthName


class Destroyed(Month, frozen=True, kw_only=True):
    """How many originals nobody can read any more, and how many refused events were deleted."""

    originals: int
    refused: int


class MonthOfReads(msgspec.Struct, frozen=True, kw_only=True):
    """One month of the access log about one shop's customers."""

    shop: Name
    month: MonthName


class DestroyedReads(MonthOfReads, frozen=True, kw_only=True):
    """How many entries of the access log were deleted."""

    reads: int


class Retained(msgspec.Struct, frozen=True, kw_only=True):
    """What is certified: what was destroyed, and which months' originals were dropped altogether.

    `installation`: the log's incarnation. `rules`: months by source. `reads` and `runs` are there
    when months of the access log were: how many, and where they stood in its chain.
    """

    format: int = 1
    installation: str
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    rules: Mapping[str, int]
    destroyed: Sequence[Destroyed]
    dropped: Sequence[MonthName]
    reads: Sequence[DestroyedReads] | UnsetType = UNSET
    runs: Sequence[Run] | UnsetType = UNSET


RetentionCertificate: TypeAlias = Certificate[Retained]


def certificate_of(file: bytes) -> RetentionCertificate:
    """Read a certificate. Raises msgspec.DecodeError for what is none, Altered."""
    return read(file, RetentionCertificate)


def due(
    connection: Connection, rules: Mapping[str, int], now: datetime
) -> list[Month | MonthOfReads]:
    """Return the months that are over, of sources and of the access log, and can still be read."""
    reads = [
        MonthOfReads(shop=shop, month=month)
        for shop, month in connection.execute(_READABLE, (READS,)).fetchall()
        if _is_over(month, rules.get(READS), now)
    ]
    return reads + [
        Month(shop=shop, source=source, month=month)
        for shop, source, month in connection.execute(_LIVING, (PURPOSES,)).fetchall()
        if _is_over(month, _kept(rules, shop, source), now)
    ]


def latest(connection: Connection) -> tuple[datetime, RetentionCertificate] | None:
    """Return when something was destroyed for the last time, and what."""
    row = connection.execute(_LATEST).fetchone()
    return None if row is None else (row[0], certificate_of(row[1]))


def destroyed_reads(connection: Connection) -> list[DestroyedReads]:
    """Return the months of the access log that were destroyed, by what was certified."""
    return [one for each in _certificates(connection) for one in each.certified.reads or ()]


def destroyed_runs(connection: Connection, trusted: Collection[str] | None) -> list[Run]:
    """Return which reads were destroyed, by certificates of these keys; None: of any."""
    return [
        run
        for each in _certificates(connection)
        if each.is_signed and (trusted is None or each.public_key in trusted)
        for run in each.certified.runs or ()
    ]


def _certificates(connection: Connection) -> Iterator[RetentionCertificate]:
    """Yield all that are kept; what is none, or was altered, tells nothing."""
    files = connection.execute("select certificate from log.retention order by id").fetchall()
    for (file,) in files:
        with suppress(msgspec.DecodeError):
            yield certificate_of(file)


def overlaps(month: MonthName, since: datetime | None, until: datetime | None) -> bool:
    """Tell whether a month lies, or lies in part, between two times."""
    first, last = (f"{one.astimezone(UTC):%Y-%m}" if one else None for one in (since, until))
    return (first is None or first <= month) and (last is None or month <= last)


def carry_out(
    log_url: str, rules: Mapping[str, int], signer: Signer, now: datetime
) -> bytes | None:
    """Destroy what is due, and return the certificate; None where nothing is, or another does it.

    All in one transaction: keys, refused events, the partitions of months that no source can read
    any more, and the certificate. Every process lets go of the keys within a second. Raises
    RetentionHeldUp, psycopg.Error: then nothing was destroyed.
    """
    with closing(connect(log_url, OWNER)) as connection:
        try:
            with connection.transaction():
                return _carried_out(connection, rules, signer, now)
        except psycopg.errors.LockNotAvailable:
            raise RetentionHeldUp(RetentionHeldUp.__doc__) from None


def _carried_out(
    connection: Connection, rules: Mapping[str, int], signer: Signer, now: datetime
) -> bytes | None:
    mine = connection.execute("select pg_try_advisory_xact_lock(%s)", (_RETAINING,)).fetchone()
    months = due(connection, rules, now) if mine == (True,) else []
    if not months:
        return None
    connection.execute("set local idle_in_transaction_session_timeout to 0")
    connection.execute("set local lock_timeout to '300ms'")  # appends wait behind it
    sent = [month for month in months if isinstance(month, Month)]
    read = [month for month in months if isinstance(month, MonthOfReads)]
    installation = connection.execute("select incarnation from log.installation").fetchone()
    assert installation is not None
    runs, reads = _destroyed_reads(connection, read)
    retained = Retained(
        installation=str(installation[0]),
        at=now,
        rules=rules,
        destroyed=[_destroyed(connection, month) for month in sent],
        dropped=_dropped(connection, {month.month for month in sent}),
        reads=reads or UNSET,
        runs=runs or UNSET,
    )
    file = signed(retained, signer)
    connection.execute("insert into log.retention (at, certificate) values (%s, %s)", (now, file))
    return file


def _destroyed(connection: Connection, month: Month) -> Destroyed:
    which = (month.shop, month.source, month.month)
    connection.execute(_DESTROY, (PURPOSES, *which))
    (refused,) = connection.execute(_EVENTS, which).fetchone() or (0,)
    originals = 0
    if (partition := _partition(connection, month.month)) is not None:
        counted = connection.execute(
            sql.SQL("select count(*) from {} where shop = %s and source = %s").format(partition),
            (month.shop, month.source),
        ).fetchone()
        originals = counted[0] if counted else 0
    return Destroyed(
        shop=month.shop,
        source=month.source,
        month=month.month,
        originals=originals,
        refused=refused,
    )


def _destroyed_reads(
    connection: Connection, months: Sequence[MonthOfReads]
) -> tuple[list[Run], list[DestroyedReads]]:
    """Destroy reads; return where they stood in the access log's chain, and how many they were."""
    last = connection.execute(_LAST_READ).fetchone()
    assert last is not None
    names = [month.shop for month in months], [month.month for month in months]
    found = connection.execute(_RUNS, (last[0], *names)).fetchall()
    gone = []
    for month in months:
        connection.execute(_DESTROY, ([READS], month.shop, "", month.month))
        deleted = connection.execute(_ENTRIES, (month.shop, month.month, last[0])).rowcount
        gone.append(DestroyedReads(shop=month.shop, month=month.month, reads=deleted))
    return [Run(first=run[0], last=run[1], chain=run[2]) for run in sorted(found)], gone


def _dropped(connection: Connection, months: Iterable[str]) -> list[str]:
    """Drop the partitions that no key opens anything of; return their months."""
    dropped = []
    for month in sorted(months):
        partition = _partition(connection, month)
        if partition is None or connection.execute(_STILL, (month,)).fetchone() == (True,):
            continue
        connection.execute(sql.SQL("drop table {}").format(partition))
        dropped.append(month)
    return dropped


def _partition(connection: Connection, month: str) -> Any:
    """Return the name of a month's partition; None where there is none."""
    name = f"original_{month.replace('-', '_')}"
    row = connection.execute("select to_regclass(%s)", (f"log.{name}",)).fetchone()
    return None if row is None or row[0] is None else sql.Identifier("log", name)


def _kept(rules: Mapping[str, int], shop: str, source: str) -> int | None:
    return rules.get(f"{shop}/{source}", rules.get(ANY))


def _is_over(month: str, kept: int | None, now: datetime) -> bool:
    """Tell whether a month ended so many whole months ago."""
    if kept is None:
        return False
    year, number = map(int, month.split("-"))
    ended = year * _MONTHS + number  # the month after it, counted from January of year 0
    current = now.astimezone(UTC)
    return current.year * _MONTHS + current.month - 1 - ended >= kept
