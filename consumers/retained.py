"""Checks a certificate of retention against the system as it runs, or as it was restored."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from consumers.checks import Check, signature, verified
from consumers.place import log_url
from infra.postgres import OWNER, Connection, connect
from infra.retention import (
    PURPOSES,
    READS,
    Destroyed,
    DestroyedReads,
    RetentionCertificate,
    certificate_of,
)
from infra.seals import Lineage
from infra.settings import Settings
from infra.signing import Signer

_KEYS: Final = """
select count(*) filter (where wrapped is not null), count(*) filter (where wrapped is null)
from keeper.period_key
where purpose = any(%s) and (shop, source, period) = (%s, %s, %s)
"""
_LEFT: Final = """
select (select count(*) from log.original where shop = %(shop)s and source = %(source)s
          and recorded_at >= %(from)s and recorded_at < %(from)s + interval '1 month'),
  (select count(*) from log.refused
   where shop = %(shop)s and source = %(source)s and period = %(month)s)
"""
_ENTRIES: Final = "select count(*) from log.access where shop = %s and period = %s"
_KNOWN: Final = "select certificate from log.retention where at = %s"
_EPOCH: Final = """
select max(epoch) from keeper.epoch where renewed_at is not null and begun_at > (
  select max(destroyed_at) from keeper.period_key
  where destroyed_at is not null and (shop, period) = any(
    select s, p from unnest(%s::text[], %s::text[]) as past(s, p)))
"""


def verify(settings: Settings, file: Path) -> int:
    """Check a certificate and print what was found; return 1 when anything contradicts it."""

    def checks(certificate: RetentionCertificate) -> Iterator[Check]:
        signer = Signer.beside(settings.keyring_file)
        with closing(connect(log_url(settings), OWNER)) as connection:
            yield from _checks(connection, certificate, signer.public)

    return verified(file, certificate_of, "retention", checks)


def _checks(connection: Connection, certificate: RetentionCertificate, key: str) -> Iterator[Check]:
    certified = certificate.certified
    lineage = Lineage.read(connection)
    ours = {str(one) for one in (lineage.now, *lineage.ancestors)}
    yield signature(certificate, key, "log", here=certified.installation in ours)
    yield _known(connection, certificate)
    for destroyed in certified.destroyed:
        yield _of_source(connection, destroyed)
    for read in certified.reads or ():
        yield _of_reads(connection, read)
    yield _dropped(connection, certified.dropped)
    yield _older_backups(connection, [*certified.destroyed, *(certified.reads or ())])


def _known(connection: Connection, certificate: RetentionCertificate) -> Check:
    rows = connection.execute(_KNOWN, (certificate.certified.at,)).fetchall()
    if any(certificate_of(row[0]).digest == certificate.digest for row in rows):
        return Check("log", "it keeps this certificate")
    last = connection.execute("select max(recorded_at) from log.batch").fetchone()
    if last is None or last[0] is None or last[0] < certificate.certified.at:
        return Check("log", "it ends before the certificate: an older one, restored")
    return Check("log", "it does not know this certificate", good=False)


def _of_source(connection: Connection, one: Destroyed) -> Check:
    what = f"{one.shop}/{one.source} {one.month}"
    wrong = _readable(connection, PURPOSES, one.shop, one.source, one.month)
    if wrong is not None:
        return Check(what, wrong, good=False)
    asked = {
        "shop": one.shop,
        "source": one.source,
        "month": one.month,
        "from": f"{one.month}-01 00:00:00+00",
    }
    originals, refused = connection.execute(_LEFT, asked).fetchone() or (0, 0)
    return Check(
        what,
        f"its keys are destroyed: {originals:,} originals and {refused:,} refused events that are "
        "there open with nothing",
    )


def _of_reads(connection: Connection, one: DestroyedReads) -> Check:
    what = f"{one.shop}/access log {one.month}"
    wrong = _readable(connection, [READS], one.shop, "", one.month)
    if wrong is not None:
        return Check(what, wrong, good=False)
    left = connection.execute(_ENTRIES, (one.shop, one.month)).fetchone() or (0,)
    return Check(
        what, f"its key is destroyed: {left[0]:,} entries that are there open with nothing"
    )


def _readable(
    connection: Connection, purposes: Sequence[str], shop: str, source: str, month: str
) -> str | None:
    """Say why a month can be read after all; None when it cannot."""
    asked = (list(purposes), shop, source, month)
    living, destroyed = connection.execute(_KEYS, asked).fetchone() or (0, 0)
    if living:
        return f"{living} of its keys are there"
    return None if destroyed else "it is not known that its keys are destroyed"


def _dropped(connection: Connection, months: Sequence[str]) -> Check:
    names = [f"log.original_{month.replace('-', '_')}" for month in months]
    rows = connection.execute(
        "select name from unnest(%s::text[]) as name where to_regclass(name) is not null", (names,)
    ).fetchall()
    there = ", ".join(name for (name,) in rows)
    if there:
        return Check("tables", f"{there}: there again, as a restored backup has them, unreadable")
    return Check("tables", f"{len(names)} were dropped, and are gone")


def _older_backups(connection: Connection, past: Sequence[Destroyed | DestroyedReads]) -> Check:
    asked = ([one.shop for one in past], [one.month for one in past])
    row = connection.execute(_EPOCH, asked).fetchone()
    if row is not None and row[0] is not None:
        return Check("older backups", f"open no more, since epoch {row[0]}")
    return Check("older backups", "open until the next epoch: `huike keyring renew` makes it")
