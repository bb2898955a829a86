"""Taking a backup of a log that serves meanwhile: its rows in one file, its keys in another."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec
from psycopg import sql

from infra import clock
from infra.backup.catalogue import (
    columns_of,
    hold,
    identifier,
    sequences_of,
    size_of,
    tables_of,
    take_time,
)
from infra.backup.files import DATA, KEYS, alone, drafted
from infra.backup.key import BackupKey
from infra.backup.records import Kept, RecordWriter, Table, TableEnd
from infra.backup.revoked import revoked_keys
from infra.backup.sealed_file import SealedWriter, header_of
from infra.backup.unusable import OthersKeys
from infra.epochs import check_epochs
from infra.keyring import Keyring, KeyringLost
from infra.postgres import OWNER, Connection, connect
from infra.secret_files import wipe

LOG: Final = "log"
KEEPER: Final = "keeper"

KEYRING: Final = "keyring"
SIGNING: Final = "signing.key"
"""Files that go with the keys: the keyring, and what certificates are signed with, beside it."""

_PIECE: Final = 1 << 18
_TRIES: Final = 5
"""Epochs may begin and end while the keyring is read."""

Told = Callable[[int, int], None]
"""Is told how many bytes were read, of about how many."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was taken."""

    data: Path
    keys: Path
    position: int
    facts: int
    persons: int


def back_up(  # noqa: PLR0913  # from where, with what, to where
    url: str,
    keyring_file: Path,
    key: BackupKey,
    folder: Path,
    *,
    keys_folder: Path | None = None,
    told: Told = lambda _done, _total: None,
) -> Taken:
    """Write a data file and the newest keys file; each stands there whole, or not at all.

    Nobody waits for it but who drops a table. Raises FolderTaken, OthersKeys, KeyringLost, OSError,
    psycopg.Error.
    """
    keys_folder = keys_folder or folder
    with ExitStack() as stack:
        connection = stack.enter_context(closing(connect(url, OWNER)))
        stack.enter_context(alone(folder))
        apart = keys_folder.resolve() != folder.resolve()
        if apart:
            stack.enter_context(alone(keys_folder))
        for place in {folder, keys_folder}:
            _are_ours(connection, place / KEYS)
        data, header, tables = _take_data(connection, key, folder, told)
        keys, kept = _take_keys(connection, keyring_file, key, keys_folder)
        if apart:
            wipe(folder / KEYS)  # of before they were kept apart: they are older now
    return Taken(
        data=data,
        keys=keys,
        position=header["position"],
        facts=tables.get("log.fact", 0),
        persons=kept.get("keeper.person_key", 0),
    )


def _are_ours(connection: Connection, file: Path) -> None:
    """Make sure that a keys file may be replaced: it is of this log, or of what it was."""
    if not file.exists():
        return
    theirs = header_of(file)
    with _snapshot(connection):
        ours = standing(connection)
    was = {ours["incarnation"], *dict(ours["ancestors"])}
    if theirs.get("fingerprint") != ours["fingerprint"] or theirs.get("incarnation") not in was:
        raise OthersKeys(file)


def _take_data(
    connection: Connection, key: BackupKey, folder: Path, told: Told
) -> tuple[Path, dict[str, Any], dict[str, int]]:
    with _snapshot(connection):
        header = {"kind": "data", **standing(connection)}
        moment = clock.now().astimezone(UTC)
        file = folder / f"{moment:%Y%m%dT%H%M%S}-{header['position']}{DATA}"
        with drafted(file) as out:
            records = RecordWriter(SealedWriter(out, key, header))
            tables = _copy_out(connection, LOG, records, told)
            records.end(tables)
    return file, header, tables


def _take_keys(
    connection: Connection, keyring_file: Path, key: BackupKey, folder: Path
) -> tuple[Path, dict[str, int]]:
    """Take the keys after the data, so that they open all of it."""
    for left in reversed(range(_TRIES)):
        with _snapshot(connection):
            try:
                content = _keyring_of(connection, keyring_file)
            except KeyringLost:
                if left:  # an epoch began or ended since
                    continue
                raise
            header = {"kind": "keys", **standing(connection)}
            file = folder / KEYS
            with drafted(file) as out:
                records = RecordWriter(SealedWriter(out, key, header))
                tables = _copy_out(connection, KEEPER, records, lambda _done, _total: None)
                records.tell(b"K", Kept(KEYRING, content))
                signing = keyring_file.with_name(SIGNING)
                if signing.exists():
                    records.tell(b"K", Kept(SIGNING, signing.read_bytes()))
                records.tell(b"K", revoked_keys(connection))
                records.end(tables)
            break
    return file, tables


def _keyring_of(connection: Connection, file: Path) -> bytes:
    """Return the keyring's content, which opens the keys that are seen. Raises KeyringLost."""
    content = file.read_bytes()
    keyring = Keyring(file)
    check_epochs(connection, keyring)
    if file.read_bytes() != content:
        raise KeyringLost(str(KeyringLost.__doc__))
    return content


@contextmanager
def _snapshot(connection: Connection) -> Iterator[None]:
    """See the database as it is now until the block ends, however long that takes."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        take_time(connection)
        yield


def standing(connection: Connection) -> dict[str, Any]:
    """Say which log it is, and how far it has come. Call it in a transaction, as the owner."""
    row = connection.execute(
        "select incarnation, encode(fingerprint, 'hex') from log.installation"
    ).fetchone()
    assert row is not None
    last = connection.execute(
        "select position, encode(chain, 'hex'), recorded_at from log.batch "
        "order by position desc limit 1"
    ).fetchone() or (0, "", None)
    ancestors = connection.execute(
        "select incarnation::text, position from log.ancestor order by position"
    ).fetchall()
    return {
        "huike": version("huike"),
        "made_at": clock.now(),
        "incarnation": str(row[0]),
        "ancestors": ancestors,
        "fingerprint": row[1],
        "position": last[0],
        "chain": last[1],
        "recorded_at": last[2],
        "migrations": _migrations(connection),
    }


def _migrations(connection: Connection) -> list[str]:
    """Return the names of what was applied; `huike_migration` is the administrator's table."""
    connection.execute("set local role none")
    rows = connection.execute("select name from public.huike_migration order by name").fetchall()
    connection.execute(sql.SQL("set local role {}").format(sql.Identifier(OWNER)))
    return [row[0] for row in rows]


def _copy_out(
    connection: Connection, schema: str, records: RecordWriter, told: Told
) -> dict[str, int]:
    tables = tables_of(connection, schema)
    hold(connection, tables)
    total, done = size_of(connection, schema), 0

    def add(size: int) -> None:
        nonlocal done
        done += size
        told(min(done, total), total)

    counted: dict[str, int] = {}
    for table in tables:
        records.tell(b"T", table)
        end = _copy_table(connection, table, records, add)
        records.tell(b"E", end)
        counted[table.full] = end.rows
    for sequence in sequences_of(connection, schema):
        records.tell(b"S", sequence)
    told(total, total)
    return counted


def _copy_table(
    connection: Connection, table: Table, records: RecordWriter, add: Callable[[int], None]
) -> TableEnd:
    digest, size, piece = hashlib.sha256(), 0, bytearray()

    def pass_on() -> None:
        nonlocal size
        digest.update(piece)
        records.write(b"D", bytes(piece))
        size += len(piece)
        add(len(piece))
        piece.clear()

    statement = sql.SQL("copy (select {} from {}) to stdout (format binary)")
    with connection.cursor() as cursor:
        with cursor.copy(statement.format(columns_of(table), identifier(table))) as copy:
            for row in copy:
                piece += row
                if len(piece) >= _PIECE:
                    pass_on()
        pass_on()
        return TableEnd(rows=cursor.rowcount, bytes=size, sha256=digest.hexdigest())
