"""Which installation a log belongs to: its ids were derived with one secret, and only with that."""

from contextlib import closing
from pathlib import Path

from domain.shared.ids import Ids
from infra.epochs import prove_epochs
from infra.keyring import Keyring, KeyringLost
from infra.migrations import migrate
from infra.postgres import KEEPER, WRITER, Connection, connect
from infra.vault import Vault


def prepare(log_url: str, keyring_file: Path, vault: Vault | None = None) -> Keyring:
    """Bring the log's tables up to date; return the keyring, which a new log gets made.

    Several processes may call it at once. Raises KeyringLost, VaultFailed, OSError, psycopg.Error.
    """
    migrate(log_url)
    with closing(connect(log_url, WRITER)) as connection:
        if not keyring_file.exists() and _claimed(connection):
            msg = f"There is no keyring {keyring_file}, and this log was made with one: put it back"
            raise KeyringLost(msg)
        keyring = Keyring.open(keyring_file, vault)
        if not same_installation(connection, Ids(keyring.secret)):
            msg = f"The keyring {keyring_file} is not this log's: put back the one it was made with"
            raise KeyringLost(msg)
    with closing(connect(log_url, KEEPER)) as connection:
        prove_epochs(connection, keyring)
    return keyring


def mark_of(ids: Ids) -> str:
    """Return what tells one installation from another, and nothing else of it."""
    return ids.content(b"huike installation's mark").hex()


def same_installation(connection: Connection, ids: Ids, *, claim: bool = True) -> bool:
    """Tell whether the log's ids were derived with this secret; `claim`: a new log is ours now."""
    fingerprint = ids.content(b"huike installation")
    if claim:
        connection.execute(
            "update log.installation set fingerprint = %s where fingerprint is null", (fingerprint,)
        )
    row = connection.execute("select fingerprint from log.installation").fetchone()
    return row is not None and (row[0] is None or bytes(row[0]) == fingerprint)


def _claimed(connection: Connection) -> bool:
    row = connection.execute("select fingerprint is not null from log.installation").fetchone()
    return row == (True,)
