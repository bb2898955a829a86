"""`huike restore`: a log out of its backup, into an empty database."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import psycopg
import typer

from consumers.backup import bytes_bar
from consumers.forgetting_again import forget_again
from consumers.mistakes import files_told
from consumers.one_machine import alone
from consumers.place import log_url
from infra.backup.files import KEYS, newest
from infra.backup.incarnation import part_ways
from infra.backup.key import BackupKey
from infra.backup.keys import put_keys
from infra.backup.restoring import Restored, restore
from infra.backup.unusable import StillServed, ViewsStand
from infra.dev.postgres import EmbeddedPostgres
from infra.migrations import migrate
from infra.postgres import Connection, connect
from infra.settings import Settings

_WARNING: Final = """\
This is for a log's database that Postgres' own tools put back to an earlier state.
`huike restore` does by itself what this does; a log that nobody put back needs neither.
The log ends at position {last:,}. From there on it becomes another log, which cannot be undone:
consumers of its facts take it for another one, and seals of later positions are not of it."""

_ENDING_SECONDS: Final = 2.0
"""How long a connection that was closed a moment ago may still be told of."""


def run_restore(
    settings: Settings, source: Path, keys: Path | None, key_file: Path, *, older_keys: bool
) -> None:
    """Restore into the database that the settings name, or the embedded one of the home."""
    with files_told("The backup"):
        key = BackupKey.read(key_file)
        data_file, keys_file = files_of(source, keys)
        with _standing(settings) as url:
            _no_views(settings, url)
            made = restore_with_bar(url, data_file, keys_file, key, settings, older_keys=older_keys)
    typer.echo(f"{made.facts:,} facts, up to position {made.position:,}, from {data_file.name}")
    typer.echo(f"{made.persons:,} persons' keys; {made.forgotten:,} of them are forgotten")
    if made.revoked:
        typer.echo(_revoked(made.revoked))
    typer.echo(f"chain {made.chain or 'of no fact'}")
    typer.echo(f"It is a log of its own from here on: incarnation {made.incarnation}.")


def run_restored(
    settings: Settings, keys: Path | None, key_file: Path | None, *, yes: bool = False
) -> None:
    """Make the log one of its own, after its database was put back by other means.

    Asks before that, unless `yes`. Raises NoDatabase, HomeTaken, StillServed, ViewsStand.
    """
    if keys is not None and key_file is None:
        typer.echo("A keys file is opened with its key: name it with --key.", err=True)
        raise typer.Exit(2)
    if not (settings.home / "postgres").exists():
        log_url(settings)
    with _standing(settings) as url:
        _nobody_there(url)
        _no_views(settings, url)
        if not yes:
            typer.echo(_WARNING.format(last=_last(url)), err=True)
            typer.confirm("Was this database put back?", default=False, abort=True, err=True)
        _put_back(settings, url, keys, key_file)


def _put_back(settings: Settings, url: str, keys: Path | None, key_file: Path | None) -> None:
    migrate(url)
    if keys is not None and key_file is not None:
        with files_told("The backup"), bytes_bar() as bar:
            keys_file = keys / KEYS if keys.is_dir() else keys
            task = bar.add_task(keys_file.name)
            taken = put_keys(
                url,
                keys_file,
                BackupKey.read(key_file),
                settings.keyring_file,
                lambda _name, done, total: bar.update(task, completed=done, total=total),
                vault=settings.vault,
            )
        forget_again(url, settings.keyring_file, settings.vault)
        typer.echo(f"{taken.persons:,} persons' keys are those of {keys_file}.")
        if taken.revoked:
            typer.echo(_revoked(taken.revoked))
    with closing(connect(url)) as connection, connection.transaction():
        made, position = part_ways(connection)
    typer.echo(f"Up to position {position:,} it is the log that it was; from there on {made}.")


def _revoked(count: int) -> str:
    return f"{count:,} API keys that were revoked since are revoked here too"


def files_of(source: Path, keys: Path | None) -> tuple[Path, Path]:
    """Return the data file of a backup, the newest of a folder, and its keys file."""
    data = newest(source) if source.is_dir() else source
    if keys is not None and keys.is_dir():
        keys /= KEYS
    return data, keys or data.with_name(KEYS)


def restore_with_bar(  # noqa: PLR0913  # as `restore`
    url: str,
    data_file: Path,
    keys_file: Path,
    key: BackupKey,
    settings: Settings,
    *,
    older_keys: bool = False,
) -> Restored:
    """Restore, and show how far it is."""
    with bytes_bar() as bar:
        tasks = {
            file.name: bar.add_task(file.name, total=file.stat().st_size)
            for file in (data_file, keys_file)
        }
        return restore(
            url,
            data_file,
            keys_file,
            key,
            settings.keyring_file,
            vault=settings.vault,
            older_keys=older_keys,
            told=lambda name, done, total: bar.update(tasks[name], completed=done, total=total),
            settle=lambda: forget_again(url, settings.keyring_file, settings.vault),
        )


@contextmanager
def _standing(settings: Settings) -> Iterator[str]:
    """Give the database's address; the embedded one runs meanwhile. Raises HomeTaken."""
    if settings.log_url is not None:
        yield settings.log_url
        return
    with alone(settings), EmbeddedPostgres(settings.home.absolute() / "postgres") as postgres:
        yield postgres.database("huike")


def _nobody_there(url: str) -> None:
    """Refuse a log that is served: it was not put back, or it goes on as the one that it was."""
    with closing(connect(url)) as connection:
        deadline = time.monotonic() + _ENDING_SECONDS
        while (count := _connected(connection)) and time.monotonic() < deadline:
            time.sleep(0.1)
        if count:
            raise StillServed(connection.info.dbname, count=count)


def _connected(connection: Connection) -> int:
    """Count the other connections of Huike's to this database."""
    row = connection.execute(
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and application_name like 'huike:%' and pid <> pg_backend_pid()"
    ).fetchone()
    assert row is not None
    count: int = row[0]
    return count


def _last(url: str) -> int:
    with closing(connect(url)) as connection:
        row = connection.execute("select coalesce(max(position), 0) from log.batch").fetchone()
    assert row is not None
    last: int = row[0]
    return last


def _no_views(settings: Settings, log: str) -> None:
    """Refuse views of the log that was: they have seen what this one will never have."""
    if settings.views_url is None or settings.views_url == log:
        return
    with psycopg.connect(settings.views_url) as connection:
        there = connection.execute("select to_regnamespace('views')").fetchone()
        if there != (None,):
            raise ViewsStand(connection.info.dbname)
