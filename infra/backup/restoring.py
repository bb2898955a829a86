"""Restoring a log into an empty database: all of it, or a database that nothing starts on."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID

import msgspec
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from domain.shared.ids import Ids
from infra.backup.catalogue import columns_of, identifier, tables_of
from infra.backup.files import put
from infra.backup.incarnation import part_ways
from infra.backup.key import BackupKey
from infra.backup.records import RecordReader, Sequence, Table, TableEnd
from infra.backup.sealed_file import SealedReader
from infra.backup.taking import KEEPER, LOG, epochs_of
from infra.backup.unusable import (
    Inconsistent,
    NewerTables,
    NotEmpty,
    OlderKeys,
    OtherFuture,
    OtherInstallation,
    OtherKeyring,
    OtherKind,
    RestoreRuns,
    Unopened,
)
from infra.installation import same_installation
from infra.keyring import Keyring, KeyringLost
from infra.migrations import known, migrate
from infra.postgres import OWNER, Connection, connect

_LOCK: Final = 4_851_107
_OURS: Final = ("log", "keeper", "views", "huike")

Told = Callable[[str, int, int], None]
"""Is told which file is read, how many of its bytes were, and how many there are."""


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """A log that was restored: the last position, and the hash of the chain there."""

    position: int
    chain: str
    facts: int
    persons: int
    forgotten: int
    incarnation: UUID


class Opened(msgspec.Struct, frozen=True):
    """One file of a backup, its header proved."""

    path: Path
    file: BinaryIO
    reader: SealedReader

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def header(self) -> Mapping[str, Any]:
        return self.reader.header

    def records(self) -> RecordReader:
        return RecordReader(self.reader, self.name)


@contextmanager
def open_file(file: Path, key: BackupKey, kind: str) -> Iterator[Opened]:
    """Open a file of a backup. Raises what `Unusable` there is, OSError."""
    with file.open("rb") as raw:
        reader = SealedReader(raw, key, file.name)
        if reader.header.get("kind") != kind:
            raise OtherKind(file.name, found=reader.header.get("kind"), wanted=kind)
        yield Opened(file, raw, reader)


def restore(  # noqa: PLR0913  # from what, with what, to where
    url: str,
    data_file: Path,
    keys_file: Path,
    key: BackupKey,
    keyring_file: Path,
    *,
    older_keys: bool = False,
    told: Told = lambda _file, _done, _total: None,
) -> Restored:
    """Restore a log and its keys; the keyring is put at its place, unless the same is there.

    One that is killed leaves a database that `migrate` refuses, and the next restore clears. Raises
    what `Unusable` there is, OSError, psycopg.Error.
    """
    with open_file(data_file, key, "data") as data, open_file(keys_file, key, "keys") as keys:
        _check(data, keys, older_keys=older_keys)
        with closing(connect(url)) as admin:
            _begin(admin, _named(url), data)
            migrate(url, only=data.header["migrations"], restoring=True)
            with closing(connect(url, OWNER)) as owner, owner.transaction():
                owner.execute("set local idle_in_transaction_session_timeout to 0")
                counted = _copy_in(owner, data, LOG, told)[0]
                _check_head(owner, data)
                kept, content = _copy_in(owner, keys, KEEPER, told)
                _put_keyring(owner, keyring_file, content, keys)
            migrate(url, restoring=True)
            incarnation = _finish(admin)
            forgotten = admin.execute(
                "select count(*) from keeper.person_key where wrapped is null"
            ).fetchone()
    assert forgotten is not None
    return Restored(
        position=data.header["position"],
        chain=data.header["chain"],
        facts=counted.get("log.fact", 0),
        persons=kept.get("keeper.person_key", 0),
        forgotten=forgotten[0],
        incarnation=incarnation,
    )


def _check(data: Opened, keys: Opened, *, older_keys: bool) -> None:
    """Make sure that these two files, and this program, go together."""
    ours, theirs = data.header, keys.header
    for opened in (data, keys):
        unknown = sorted(set(opened.header["migrations"]) - set(known()))
        if unknown:
            raise NewerTables(opened.name, migrations=", ".join(unknown))
    if ours["fingerprint"] != theirs["fingerprint"]:
        raise OtherInstallation(data.name, keys=keys.name)
    ended = dict(theirs["ancestors"])
    upto = theirs["position"]
    if ours["incarnation"] != theirs["incarnation"]:
        upto = ended.get(ours["incarnation"], -1)
        if upto < ours["position"]:
            raise OtherFuture(data.name, keys=keys.name)
    if upto < ours["position"] and not older_keys:
        raise OlderKeys(data.name, keys=keys.name)


def _begin(admin: Connection, name: str, data: Opened) -> None:
    """Mark the database as one that is being restored; clear what a killed restore left."""
    if admin.execute("select pg_try_advisory_lock(%s)", (_LOCK,)).fetchone() != (True,):
        raise RestoreRuns(name)
    with admin.transaction():
        left = admin.execute("select to_regclass('public.huike_restore')").fetchone()
        if left != (None,):
            for schema in (LOG, KEEPER):
                admin.execute(sql.SQL("drop schema if exists {} cascade").format(_name(schema)))
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


def _copy_in(
    owner: Connection, opened: Opened, schema: str, told: Told
) -> tuple[dict[str, int], bytes]:
    """Copy all tables of a file; return the rows of each, and the file that came with them."""
    size = opened.path.stat().st_size
    there = {table.full: table for table in tables_of(owner, schema)}
    for table in there.values():  # what the migrations put there
        owner.execute(sql.SQL("truncate {} cascade").format(identifier(table)))
    counted: dict[str, int] = {}
    content = b""
    records = opened.records().each()
    for kind, told_of in records:
        match kind:
            case b"T":
                table = msgspec.json.decode(told_of, type=Table)
                if table.full not in there or table.schema != schema:
                    raise Inconsistent(opened.name, why=f"its tables do not include {table.full}")
                _make_room(owner, table, there[table.full])

                def tell() -> None:
                    told(opened.name, opened.reader.taken, size)

                counted[table.full] = _copy_table(owner, table, records, opened.name, tell)
            case b"S":
                sequence = msgspec.json.decode(told_of, type=Sequence)
                name = _name(sequence.schema, sequence.name).as_string(owner)
                owner.execute(
                    "select setval(%s::regclass, %s, %s)", (name, sequence.last, sequence.called)
                )
            case b"K":
                content = told_of
    told(opened.name, size, size)
    return counted, content


def _make_room(owner: Connection, table: Table, there: Table) -> None:
    """Make the parts of a table that there were and are not yet."""
    had = {name for name, _ in there.parts}
    for name, bound in table.parts:
        if name in had:
            continue
        names = {"part": _name(table.schema, name), "table": identifier(table)}
        owner.execute(sql.SQL("create table {part} (like {table} including all)").format(**names))
        attach = sql.SQL("alter table {table} attach partition {part} ").format(**names)
        owner.execute(attach + sql.SQL(bound))


def _copy_table(
    owner: Connection,
    table: Table,
    records: Iterator[tuple[bytes, bytes]],
    name: str,
    tell: Callable[[], None],
) -> int:
    """Copy a table's rows, its triggers at rest: they judge what is new. Return how many."""
    names = {"table": identifier(table), "columns": columns_of(table)}
    owner.execute(sql.SQL("alter table {table} disable trigger user").format(**names))
    statement = sql.SQL("copy {table} ({columns}) from stdin (format binary)").format(**names)
    digest, end = hashlib.sha256(), None
    with owner.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for kind, content in records:
                if kind == b"D":
                    digest.update(content)
                    copy.write(content)
                    tell()
                    continue
                if kind == b"E":
                    end = msgspec.json.decode(content, type=TableEnd)
                break
        rows = cursor.rowcount
    owner.execute(sql.SQL("alter table {table} enable trigger user").format(**names))
    if end is None or (end.rows, end.sha256) != (rows, digest.hexdigest()):
        raise Inconsistent(name, why=f"{table.full} does not come to the rows that it had")
    return rows


def _check_head(owner: Connection, data: Opened) -> None:
    """Make sure that the log ends where its backup says, and holds every position up to there."""
    last = owner.execute(
        "select position, encode(chain, 'hex') from log.batch order by position desc limit 1"
    ).fetchone() or (0, "")
    facts = owner.execute("select count(*), coalesce(max(position), 0) from log.fact").fetchone()
    told = data.header["position"], data.header["chain"]
    if last != told or facts != (told[0], told[0]):
        raise Inconsistent(data.name, why="the log does not end where it did")


def _put_keyring(owner: Connection, file: Path, content: bytes, keys: Opened) -> None:
    """Put the backup's keyring at its place, unless one stands there that opens the keys too."""
    made = not file.exists()
    if made:
        put(file, content)
    try:
        _check_keyring(owner, file, keys)
    except BaseException:
        if made:
            file.unlink()
        raise


def _check_keyring(owner: Connection, file: Path, keys: Opened) -> None:
    """Make sure that a keyring is this log's, and opens a key of each epoch that there is."""
    try:
        keyring = Keyring.open(file)
        if not same_installation(owner, Ids(keyring.secret), claim=False):
            raise OtherKeyring(file)
        for epoch in sorted(epochs_of(owner)):
            row = owner.execute(
                "select identity, wrapped from keeper.person_key "
                "where epoch = %s and wrapped is not null limit 1",
                (epoch,),
            ).fetchone()
            if epoch not in keyring.held:
                raise Unopened(keys.name, file=file, epoch=epoch)
            if row is not None:
                keyring.unwrap(epoch, row[1], row[0].bytes)
    except KeyringLost:
        raise OtherKeyring(file) from None


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
    """Return how a database is called, without its password."""
    return str(conninfo_to_dict(url).get("dbname", "the database"))


def _name(*parts: str) -> sql.Identifier:
    return sql.Identifier(*parts)
