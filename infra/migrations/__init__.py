"""Migrations: numbered SQL files, each applied once, in one transaction, under one lock."""

from collections.abc import Collection
from importlib.resources import files
from typing import Final

import psycopg

from infra.postgres import Connection, connect

_LOCK: Final = 4_851_101


class RestoreUnfinished(Exception):
    """A restore into this database was not finished: run `huike restore` again."""


class OwnerNeeded(Exception):
    """The log's tables are not up to date, which is for their owner: run `huike migrate` as it."""


def known() -> list[str]:
    """Return the names of all migrations, in order."""
    return sorted(f.name for f in files(__name__).iterdir() if f.name.endswith(".sql"))


def migrate(url: str, *, only: Collection[str] | None = None, restoring: bool = False) -> list[str]:
    """Bring the log's database up to date; return the names of what was applied.

    Several processes may call it at once; where nothing is missing, huike_writer's rights do.
    `only`: no others than these; `restoring`: though a restore goes on. Raises RestoreUnfinished,
    OwnerNeeded, psycopg.Error.
    """
    wanted = [name for name in known() if only is None or name in only]
    with connect(url, autocommit=False) as connection:
        if not restoring:
            _refuse_unfinished(connection)
        try:
            if not _missing(connection, wanted):
                return []
            connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            if not restoring:
                _refuse_unfinished(connection)
            missing = _missing(connection, wanted)
            for name in missing:
                _apply(connection, name)
        except psycopg.errors.InsufficientPrivilege as refusal:
            why = str(OwnerNeeded.__doc__).rstrip(".")
            raise OwnerNeeded(f"{why} ({refusal.diag.message_primary})") from refusal
    return missing


def _refuse_unfinished(connection: Connection) -> None:
    mark = connection.execute("select to_regclass('public.huike_restore')").fetchone()
    if mark != (None,):
        raise RestoreUnfinished(RestoreUnfinished.__doc__)


def _missing(connection: Connection, wanted: Collection[str]) -> list[str]:
    """Return what of it was not applied yet."""
    found = connection.execute("select to_regclass('public.huike_migration')").fetchone()
    if found == (None,):
        return list(wanted)
    done = {row[0] for row in connection.execute("select name from public.huike_migration")}
    return [name for name in wanted if name not in done]


def _apply(connection: Connection, name: str) -> None:
    connection.execute(
        "create table if not exists public.huike_migration ("
        "name text primary key, applied_at timestamptz not null default now())"
    )
    script = files(__name__).joinpath(name).read_text(encoding="utf-8")
    connection.execute(script.encode())
    connection.execute("insert into public.huike_migration (name) values (%s)", (name,))
