"""Restoring a log into an empty database: all of it, or a database that nothing starts on."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from infra.backup.catalogue import identifier, tables_of, take_time
from infra.backup.copying import Told, copy_in
from infra.backup.incarnation import part_ways
from infra.backup.key import BackupKey
from infra.backup.keys import take_keys
from infra.backup.opening import Opened, check_known, check_together, open_file
from infra.backup.taking import KEEPER, LOG
from infra.backup.unusable import Inconsistent, NotEmpty, RestoreRuns
from infra.migrations import migrate
from infra.postgres import OWNER, Connection, connect
from infra.vault import Vault

_LOCK: Final = 4_851_107
_OURS: Final = ("log", "keeper", "views", "huike")


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """A log that was restored: the last position, and the hash of the chain there.

    `revoked`: how many API keys lived in the data, and were revoked since.
    """

    position: int
    chain: str
    facts: int
    persons: int
    forgotten: int
    revoked: int
    incarnation: UUID


def restore(  # noqa: PLR0913  # from what, with what, to where
    url: str,
    data_file: Path,
    keys_file: Path,
    key: BackupKey,
    keyring_file: Path,
    *,
    vault: Vault | None = None,
    older_keys: bool = False,
    told: Told = lambda _file, _done, _total: None,
    settle: Callable[[], object] = lambda: None,
) -> Restored:
    """Restore a log and its keys; the keyring is put at its place, unless one is there.

    `settle`: what is to be done before anything may start on it.

    One that is killed leaves a database that `migrate` refuses, and the next restore clears. Raises
    what `Unusable` there is, OSError, psycopg.Error.
    """
    with open_file(data_file, key, "data") as data, open_file(keys_file, key, "keys") as keys:
        check_known(data)
        check_known(keys)
        check_together(data.name, data.header, keys, older_keys=older_keys)
        with closing(connect(url)) as admin:
            _begin(admin, _named(url), data)
            level = {*data.header["migrations"]}
            migrate(url, only=level, restoring=True)
            with closing(connect(url, OWNER)) as owner:
                with owner.transaction():
                    take_time(owner)
                    counted = copy_in(owner, data, LOG, told)[0]
                    _check_head(owner, data)
                level |= {*keys.header["migrations"]}  # keys of today may go with data of long ago
                migrate(url, only=level, restoring=True)
                with owner.transaction():
                    taken = take_keys(owner, keys, keyring_file, vault, told)
            migrate(url, restoring=True)
            settle()
            incarnation = _finish(admin)
            forgotten = admin.execute(
                "select count(*) from keeper.person_key where wrapped is null"
            ).fetchone()
    assert forgotten is not None
    return Restored(
        position=data.header["position"],
        chain=data.header["chain"],
        facts=counted.get("log.fact", 0),
        persons=taken.persons,
        forgotten=forgotten[0],
        revoked=taken.revoked,
        incarnation=incarnation,
    )


def _begin(admin: Connection, name: str, data: Opened) -> None:
    """Mark the database as one that is being restored; clear what a killed restore left."""
    if admin.execute("select pg_try_advisory_lock(%s)", (_LOCK,)).fetchone() != (True,):
        raise RestoreRuns(name)
    with admin.transaction():
        left = admin.execute("select to_regclass('public.huike_restore')").fetchone()
        if left != (None,):
            for schema in (LOG, KEEPER):
                admin.execute(
                    sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema))
                )
            admin.execute("drop table if exists public.huike_migration, public.huike_restore")
        found = admin.execute(
            "select from pg_namespace where nspname = any(%s) "
            "union all select where to_regclass('public.huike_migration') is not null",
            (list(_OURS),),
        ).fetchone()
        if found is not None:
            raise NotEmpty(name)
        admin.execute(
            "create table public.huike_restore "
            "(backup uuid not null, began_at timestamptz not null default clock_timestamp())"
        )
        admin.execute("insert into public.huike_restore (backup) values (%s)", (data.header["id"],))


def _check_head(owner: Connection, data: Opened) -> None:
    """Make sure that the log ends where its backup says, and holds every position up to there."""
    last = owner.execute(
        "select position, encode(chain, 'hex') from log.batch order by position desc limit 1"
    ).fetchone() or (0, "")
    facts = owner.execute("select count(*), coalesce(max(position), 0) from log.fact").fetchone()
    told = data.header["position"], data.header["chain"]
    if last != told or facts != (told[0], told[0]):
        raise Inconsistent(data.name, why="the log does not end where it did")


def _finish(admin: Connection) -> UUID:
    """Make it a log of its own, which it is from here on, and one that can be started."""
    with admin.transaction():
        incarnation, _ = part_ways(admin)
        admin.execute("drop table public.huike_restore")
    for schema in (LOG, KEEPER):
        for table in tables_of(admin, schema):
            admin.execute(sql.SQL("analyze {}").format(identifier(table)))
    return incarnation


def _named(url: str) -> str:
    """Return how a database is called and where it is, without its password."""
    parts = conninfo_to_dict(url)
    where = parts.get("host") or parts.get("hostaddr")
    return f"{parts.get('dbname', '(unnamed)')}{f' at {where}' if where else ''}"
