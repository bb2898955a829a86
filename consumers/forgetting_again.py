"""After a restore: what an older backup holds of people who were forgotten since goes as well."""

from contextlib import closing
from pathlib import Path
from typing import Final
from uuid import UUID

from consumers.erasure.purging import purge_answers, purge_refused
from domain.shared.ids import Ids
from infra.keyring import Keyring
from infra.postgres import KEEPER, WRITER, connect, pool
from infra.sealing import PersonKeys
from infra.vault import Vault
from projections.marks import Marks
from projections.sought import Sought

_FORGOTTEN = """
select identity from keeper.person_key
where forgotten_at > coalesce(%s, '-infinity'::timestamptz) - interval '1 day'
"""
"""Of the last day before as well: what was purged already is not found again."""
_THEM: Final = UUID(int=0)
"""No erasure of this log's: all of them, whoever asked for it."""


def forget_again(log_url: str, keyring_file: Path, vault: Vault | None = None) -> int:
    """Delete refused events and kept answers that name them; return how many there were.

    Everything else that a log holds of somebody is sealed under the key that they lost.
    """
    keyring = Keyring.open(keyring_file, vault)
    with (
        closing(connect(log_url, WRITER)) as log,
        closing(connect(log_url, KEEPER)) as keeper,
        pool(log_url, KEEPER, size=1) as keys,
    ):
        row = log.execute("select max(recorded_at) from log.batch").fetchone()
        assert row is not None
        gone = [identity for (identity,) in keeper.execute(_FORGOTTEN, row)]
        if not gone:
            return 0
        sealer, ids, marks = PersonKeys(keys, keyring), Ids(keyring.secret), Marks(frozenset(gone))
        deleted = sum(purge_answers(log, {_THEM: gone}).values())
        for (shop,) in log.execute("select distinct shop from log.refused").fetchall():
            deleted += purge_refused(log, sealer, Sought(ids, {_THEM: (shop, marks)}))
    return deleted
