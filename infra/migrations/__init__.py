"""Migrations: numbered SQL files, each applied once, in one transaction, under one lock."""

from collections.abc import Collection
from importlib.resources import files
from typing import Final

from infra.postgres import connect

_LOCK: Final = 4_851_101


class RestoreUnfinished(Exception):
    """A restore into this database was not finished: run `huike restore` again."""


def known() -> list[str]:
    """Return the names of all migrations, in order."""
    return sorted(f.name for f in files(__name__).iterdir() if f.name.endswith(".sql"))


def migrate(url: str, *, only: Collection[str] | None = None, restoring: bool = False) -> list[str]:
    """Bring the log's database up to date; return the names of what was applied.

    Several processes may call it at once. `only`: no others than these; `restoring`: though a
    restore goes on. Raises RestoreUnfinished, and psycopg.Error when the user of `url` may not.
    """
    applied: list[str] = []
    with connect(url, autocommit=False) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        mark = connection.execute("select to_regclass('public.huike_restore')").fetchone()
        if mark != (None,) and not restoring:
            raise RestoreUnfinished(RestoreUnfinished.__doc__)
        connection.execute(
            "create table if not exists public.huike_migration ("
            "name text primary key, applied_at timestamptz not null default now())"
        )
        done = {row[0] for row in connection.execute("select name from public.huike_migration")}
        for name in known():
            if name not in done and (only is None or name in only):
                script = files(__name__).joinpath(name).read_text(encoding="utf-8")
                connection.execute(script.encode())
                connection.execute("insert into public.huike_migration (name) values (%s)", (name,))
                applied.append(name)
    return applied
