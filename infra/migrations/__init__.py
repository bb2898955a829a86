"""Migrations: numbered SQL files, each applied once, in one transaction, under one lock."""

from importlib.resources import files
from typing import Final

from infra.postgres import connect

_LOCK: Final = 4_851_101


def migrate(url: str) -> list[str]:
    """Bring the log's database up to date; return the names of what was applied.

    Several processes may call it at once. Raises psycopg.Error when the user of `url` may not.
    """
    applied: list[str] = []
    with connect(url, autocommit=False) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(
            "create table if not exists public.huike_migration ("
            "name text primary key, applied_at timestamptz not null default now())"
        )
        done = {row[0] for row in connection.execute("select name from public.huike_migration")}
        for script in sorted(files(__name__).iterdir(), key=lambda f: f.name):
            if script.name.endswith(".sql") and script.name not in done:
                connection.execute(script.read_text(encoding="utf-8").encode())
                connection.execute(
                    "insert into public.huike_migration (name) values (%s)", (script.name,)
                )
                applied.append(script.name)
    return applied
