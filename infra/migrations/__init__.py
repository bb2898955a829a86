"""Migrations: numbered SQL files, each applied once, in one transaction, under one lock."""

from collections.abc import Collection
from importlib.resources import files
from typing import Final

import psycopg

from infra.postgres import KEEPER, OWNER, READER, VIEWS, WRITER, Connection, connect

LOCK: Final = 4_851_101
ROLES: Final = (OWNER, WRITER, KEEPER, VIEWS, READER)


class RestoreUnfinished(Exception):
    """A restore into this database was not finished: run `huike restore` again."""


class OwnerNeeded(Exception):
    """The log's tables are not up to date, which is for their owner: run `huike migrate` as it."""


class RolesOfAnother(OwnerNeeded):
    """The roles huike_* are the whole cluster's, and another login made them here."""

    def __init__(self, login: str) -> None:
        what = str(self.__doc__).rstrip(".")
        super().__init__(
            f"{what}: have an administrator `grant {', '.join(ROLES)} to {login}`, "
            "or take a cluster of its own"
        )


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
            connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
            if not restoring:
                _refuse_unfinished(connection)
            missing = _missing(connection, wanted)
            for name in missing:
                _apply(connection, name)
        except psycopg.errors.InsufficientPrivilege as refusal:
            connection.rollback()
            owner, is_member, login = _standing(connection)
            if owner and not is_member:
                raise RolesOfAnother(login) from refusal
            why = str(OwnerNeeded.__doc__).rstrip(".")
            raise OwnerNeeded(f"{why} ({refusal.diag.message_primary})") from refusal
    return missing


def _standing(connection: Connection) -> tuple[bool, bool, str]:
    """Tell whether who logged in may make the tables, has their owner's role, and is called."""
    row = connection.execute(
        "select has_database_privilege(session_user, current_database(), 'create'), "
        "coalesce(pg_has_role(session_user, (select oid from pg_roles where rolname = %s), "
        "'member'), true), session_user::text",
        (OWNER,),
    ).fetchone()
    assert row is not None
    return bool(row[0]), bool(row[1]), str(row[2])


def _refuse_unfinished(connection: Connection) -> None:
    if _is_there(connection, "huike_restore"):
        raise RestoreUnfinished(RestoreUnfinished.__doc__)


def _missing(connection: Connection, wanted: Collection[str]) -> list[str]:
    """Return what of it was not applied yet."""
    if not _is_there(connection, "huike_migration"):
        return list(wanted)
    done = {row[0] for row in connection.execute("select name from public.huike_migration")}
    return [name for name in wanted if name not in done]


def _is_there(connection: Connection, table: str) -> bool:
    """Look again: `to_regclass` goes on saying what it said before another made the table."""
    row = connection.execute(
        "select from pg_catalog.pg_tables where schemaname = 'public' and tablename = %s", (table,)
    ).fetchone()
    return row is not None


def _apply(connection: Connection, name: str) -> None:
    connection.execute(
        "create table if not exists public.huike_migration ("
        "name text primary key, applied_at timestamptz not null default now())"
    )
    script = files(__name__).joinpath(name).read_text(encoding="utf-8")
    connection.execute(script.encode())
    connection.execute("insert into public.huike_migration (name) values (%s)", (name,))
