"""Retention from the command line, as a chore, and what the doctor says of it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg
import structlog
import typer

from consumers.mistakes import files_told
from consumers.place import log_url
from infra import clock
from infra.migrations import migrate
from infra.postgres import KEEPER, OWNER, WRITER, connect, may_become
from infra.retention import (
    Month,
    MonthOfReads,
    Retained,
    RetentionHeldUp,
    carry_out,
    certificate_of,
    due,
    latest,
)
from infra.settings import Settings
from infra.signing import Signer

HOUR_SECONDS: Final = 3600.0
"""How often it is looked: a worker that is started anew each day comes to it too."""

log = structlog.get_logger("retention")


def retain(settings: Settings, *, dry_run: bool, to: Path | None) -> int:
    """Destroy what is past its months, and say so. Raises psycopg.Error, OSError."""
    rules = settings.retention_months
    if not rules:
        typer.echo("HUIKE_RETENTION is not set: everything is kept.")
        return 0
    if to is not None and not to.parent.is_dir():
        typer.echo(f"{to.parent}: there is no such folder.", err=True)
        return 2
    url = log_url(settings)
    migrate(url)
    if dry_run:
        with closing(connect(url, OWNER)) as connection:
            for month in due(connection, rules, clock.now()):
                typer.echo(_named(month))
        return 0
    try:
        file = carry_out(url, rules, Signer.beside(settings.keyring_file), clock.now())
    except RetentionHeldUp as held_up:
        typer.echo(str(held_up), err=True)
        return 1
    if file is None:
        typer.echo("Nothing is past its months.")
        return 0
    _tell(certificate_of(file).certified)
    if to is not None:
        with files_told(to):
            to.write_bytes(file)
        typer.echo(f"The certificate is in {to}.")
    return 0


def _tell(certified: Retained) -> None:
    for one in certified.destroyed:
        typer.echo(f"{_named(one)}: {one.originals:,} originals, {one.refused:,} refused events")
    for read in certified.reads or ():
        typer.echo(f"{_named(read)}: {read.reads:,} entries")
    if certified.dropped:
        typer.echo(f"Dropped: {', '.join(certified.dropped)}")


def retain_due(settings: Settings) -> None:
    """Destroy what is past its months. Raises RetentionHeldUp, psycopg.Error, OSError."""
    rules = settings.retention_months
    if not rules:
        return
    url = log_url(settings)
    with closing(connect(url)) as connection:
        if not may_become(connection, OWNER):
            log.warning("retention.is-the-owners", command="huike retention")
            return
    file = carry_out(url, rules, Signer.beside(settings.keyring_file), clock.now())
    if file is not None:
        certified = certificate_of(file).certified
        log.info(
            "retention",
            months=len(certified.destroyed),
            dropped=len(certified.dropped),
            of_reads=len(certified.reads or ()),
        )


def of_retention(settings: Settings, url: str) -> Iterator[tuple[str, str | None]]:
    """Say what retention does, and what to do about it."""
    rules = settings.retention_months
    try:
        with closing(connect(url, WRITER)) as connection:
            last = latest(connection)
            able = may_become(connection, OWNER)
        with closing(connect(url, KEEPER)) as connection:
            past = due(connection, rules, clock.now())
    except psycopg.Error:
        return  # what the log's own findings tell
    told = ", ".join(f"{source} {months} months" for source, months in rules.items()) or "off"
    if last is not None:
        told += f"; last on {last[0]:%Y-%m-%d}"
    how = "`huike retention`" if able else "`huike retention` as the database's owner"
    mend = f"{len(past)} months are past: {how}" if past else None
    yield told, mend


def _named(month: Month | MonthOfReads) -> str:
    what = month.source if isinstance(month, Month) else "access log"
    return f"{month.shop}/{what} {month.month}"
