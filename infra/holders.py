"""Who holds the keyring's keys: connections are named for what unwraps those of their process."""

from typing import Final

from infra.keyring import EpochKeys
from infra.postgres import KEEPER, Connection, Pool, pool

_BY_FILE: Final = f"huike:{KEEPER}:file"
"""Opens what stands in the file as it is."""
_BY_VAULT: Final = f"huike:{KEEPER}:vault"

_COUNT: Final = """
select count(*) from pg_stat_activity
where datname = current_database() and application_name = %s
"""


class NotAllUnwrap(Exception):
    """Processes run that could not unwrap what a KMS wraps, with {} connections to the log."""

    def __init__(self, connections: int) -> None:
        super().__init__(
            f"{str(self.__doc__).rstrip('.').format(connections)} ({_BY_FILE} in "
            "pg_stat_activity): start them anew with HUIKE_EPOCH_COMMAND"
        )


def keeper_pool(log_url: str, keyring: EpochKeys, *, size: int = 4) -> Pool:
    """Open a pool for who holds a keyring's keys."""
    return pool(log_url, KEEPER, size=size, name=_BY_VAULT if keyring.by_vault else _BY_FILE)


def check_all_unwrap(connection: Connection) -> None:
    """Raise NotAllUnwrap when a process runs that has no vault to unwrap keys by."""
    row = connection.execute(_COUNT, (_BY_FILE,)).fetchone()
    if row is not None and row[0]:
        raise NotAllUnwrap(row[0])
