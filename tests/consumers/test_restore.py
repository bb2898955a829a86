"""Who was forgotten after a backup was taken is in nothing that it brings back."""

from pathlib import Path

import msgspec
import pytest

from consumers.restore import run_restore, run_restored
from infra.backup.key import BackupKey
from infra.backup.taking import back_up
from infra.backup.unusable import ViewsStand
from infra.keyring import Keyring
from infra.postgres import KEEPER, WRITER, connect, pool
from infra.refused import Refusals
from infra.sealing import PersonKeys
from infra.settings import Settings
from tests.projections.runtime.shop import Shop
from tests.refused import refused


def refuse(shop: Shop, user: str) -> None:
    """Have an event of a user refused, and kept."""
    message = msgspec.json.encode({"type": "track", "userId": user})
    with pool(shop.url, WRITER, size=1) as writer:
        Refusals(writer, shop.sealer, shop.ids).keep([refused(message, correlation=user)])


def test_what_was_refused_of_the_forgotten_does_not_come_back(
    shop: Shop,
    settings: Settings,
    bare_database_url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    key_file = tmp_path / "backup.key"
    key = BackupKey.make(key_file)
    for user in ("ada", "bob"):
        shop.email(user, f"{user}@example.com")
        refuse(shop, user)
    older = back_up(shop.url, shop.keyring, key, tmp_path / "older")
    with pool(shop.url, KEEPER, size=1) as keeper:
        PersonKeys(keeper, Keyring.open(shop.keyring)).forget([shop.user("ada")])
    with connect(shop.url, WRITER) as writer:
        writer.execute("delete from log.refused where correlation = 'ada'")
    newer = back_up(shop.url, shop.keyring, key, tmp_path / "newer")
    elsewhere = settings.model_copy(
        update={"log_url": bare_database_url, "keyring": tmp_path / "restored.json"}
    )
    run_restore(elsewhere, older.data, newer.keys, key_file, older_keys=False)
    with connect(bare_database_url, WRITER) as writer:
        left = writer.execute("select correlation from log.refused").fetchall()
    assert left == [("bob",)]
    assert "1 of them are forgotten" in capsys.readouterr().out


def test_views_of_the_log_that_was_are_refused(
    shop: Shop, settings: Settings, bare_database_url: str, tmp_path: Path
) -> None:
    """They may have seen what the log does not hold any more."""
    key_file = tmp_path / "backup.key"
    taken = back_up(shop.url, shop.keyring, BackupKey.make(key_file), tmp_path / "backups")
    elsewhere = settings.model_copy(update={"log_url": bare_database_url, "views_url": shop.url})
    with pytest.raises(ViewsStand):
        run_restore(elsewhere, taken.data, None, key_file, older_keys=False)
    with pytest.raises(ViewsStand, match="drop it, or name an empty one"):
        run_restored(elsewhere, None, None)


def test_a_log_that_was_put_back_by_other_means_is_another_one(
    shop: Shop, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.pay("ada", "1", 1)
    was = shop.reader.incarnation()
    run_restored(settings, None, None)
    now = shop.reader.incarnation()
    assert now != was
    assert f"Up to position 1 it is the log that it was; from there on {now}." in (
        capsys.readouterr().out
    )
