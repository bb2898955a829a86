"""Backing a shop up, restoring it elsewhere, and looking whether the two are the same."""

from pathlib import Path

import msgspec
from psycopg import sql

from domain.customer.events import TraitsAsserted
from domain.shared.personal import ERASED
from infra.backup.catalogue import identifier, tables_of
from infra.backup.copying import Told
from infra.backup.key import BackupKey
from infra.backup.restoring import Restored, restore
from infra.backup.taking import Taken, back_up
from infra.event_store import LogReader
from infra.keyring import Keyring
from infra.postgres import KEEPER, connect, pool
from infra.sealing import PersonKeys
from tests.projections.runtime.shop import Shop

ITS_OWN = {"log.ancestor", "log.installation"}
"""What is another in a log that was restored."""


def _nobody(_file: str, _done: int, _total: int) -> None:
    """Hear how far a restore is."""


class Backups(msgspec.Struct):
    """A shop, where its backups go, and the database and keyring that they are restored to."""

    shop: Shop
    key: BackupKey
    folder: Path
    target: str
    keyring: Path

    def take(self, folder: Path | None = None, keys_folder: Path | None = None) -> Taken:
        """Back the shop up as it stands."""
        return back_up(
            self.shop.url,
            self.shop.keyring,
            self.key,
            folder or self.folder,
            keys_folder=keys_folder,
        )

    def restore(
        self, taken: Taken, keys: Path | None = None, *, older: bool = False, told: Told = _nobody
    ) -> Restored:
        """Restore a backup, with its own keys or others, into the empty database."""
        return restore(
            self.target,
            taken.data,
            keys or taken.keys,
            self.key,
            self.keyring,
            older_keys=older,
            told=told,
        )

    def forget(self, user: str) -> None:
        with connect(self.shop.url, KEEPER) as keeper:
            keeper.execute(
                "update keeper.person_key set wrapped = null, forgotten_at = now() "
                "where identity = %s",
                (self.shop.user(user),),
            )

    @property
    def same(self) -> bool:
        """Say whether what was restored is what the shop has."""
        return contents(self.target) == contents(self.shop.url)

    @property
    def addresses(self) -> list[object]:
        """The addresses that customers gave, as far as the restored log can read them."""
        with pool(self.target, KEEPER) as keeper:
            reader = LogReader(self.target, PersonKeys(keeper, Keyring.open(self.keyring)))
            facts = reader.read(0, 1_000)
            reader.close()
        persons = [f.event.person for f in facts if isinstance(f.event, TraitsAsserted)]
        return [ERASED if p is None or p is ERASED else p.email for p in persons]


def contents(url: str) -> dict[str, tuple[int, str]]:
    """Return how many rows each table has, and a digest of them."""
    found = {}
    with connect(url) as connection:
        for schema in ("log", "keeper"):
            for table in tables_of(connection, schema):
                row = connection.execute(
                    sql.SQL(
                        "select count(*), md5(coalesce(string_agg(t::text, '|' order by t::text), "
                        "'')) from {} t"
                    ).format(identifier(table))
                ).fetchone()
                assert row is not None
                found[table.full] = row
    return {name: told for name, told in found.items() if name not in ITS_OWN}
