"""A key that was destroyed is put back by nobody who may write keys."""

from pathlib import Path

import psycopg
import pytest

from infra.postgres import KEEPER, connect
from tests.infra.event_store import kept
from tests.infra.test_roles import logged_in

DESTROYED = {
    "keeper.person_key": "forgotten_at = now()",
    "keeper.period_key": "destroyed_at = now()",
}


@pytest.fixture
def url(database_url: str, tmp_path: Path) -> str:
    with kept.writer(database_url, tmp_path / "keyring.json") as log:
        kept.fill(log)
    return database_url


@pytest.mark.parametrize("table", DESTROYED)
def test_a_destroyed_key_stays_destroyed(url: str, table: str) -> None:
    with connect(url) as owner:
        owner.execute(
            "insert into keeper.period_key (purpose, shop, source, period, epoch, wrapped) "
            "select 'original', 'shop', 'site', '2026-01', max(epoch), 'wrapped' "
            "from keeper.person_key on conflict do nothing"
        )
    with logged_in(url, KEEPER) as keeper:
        keeper.execute(f"update {table} set wrapped = 'otherwise' where wrapped is not null")  # noqa: S608
        keeper.execute(f"update {table} set wrapped = null, {DESTROYED[table]}")  # noqa: S608
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="stays destroyed"):
            keeper.execute(f"update {table} set wrapped = 'another'")  # noqa: S608
