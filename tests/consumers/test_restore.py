"""Who was forgotten after a backup was taken is in nothing that it brings back."""

from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from typer.testing import CliRunner, Result

from consumers.cli.backups import app
from consumers.restore import run_restore, run_restored
from infra.backup.key import BackupKey
from infra.backup.taking import back_up
from infra.backup.unusable import StillServed, ViewsStand
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
        run_restored(elsewhere, None, None, yes=True)


@pytest.fixture
def put_back(database_url: str, tmp_path: Path) -> Settings:
    """Give a log of one fact that nobody is connected to."""
    with Shop.open(database_url, tmp_path / "keyring.json") as shop:
        shop.pay("ada", "1", 1)
        keyring = shop.keyring
    return Settings(log_url=database_url, keyring=keyring, kafka_bootstrap=None)


def incarnation(settings: Settings) -> UUID:
    assert settings.log_url is not None
    with connect(settings.log_url, WRITER) as connection:
        row = connection.execute("select incarnation from log.installation").fetchone()
    assert row is not None
    found: UUID = row[0]
    return found


def restored(settings: Settings, *options: str, answer: str = "") -> Result:
    environment = {"HUIKE_LOG_URL": settings.log_url, "HUIKE_KEYRING": str(settings.keyring)}
    return CliRunner().invoke(app, ["restored", *options], input=answer, env=environment)


def test_a_log_that_was_put_back_by_other_means_is_another_one(put_back: Settings) -> None:
    was = incarnation(put_back)
    done = restored(put_back, "--yes")
    now = incarnation(put_back)
    assert now != was
    assert f"Up to position 1 it is the log that it was; from there on {now}." in done.output


def test_what_cannot_be_undone_is_asked_first(put_back: Settings) -> None:
    was = incarnation(put_back)
    for answer in ("", "\n", "n\n"):
        asked = restored(put_back, answer=answer)
        assert asked.exit_code == 1
        assert "The log ends at position 1." in asked.output
        assert incarnation(put_back) == was
    assert restored(put_back, answer="y\n").exit_code == 0
    assert incarnation(put_back) != was


def test_a_log_that_is_served_was_not_put_back(shop: Shop, settings: Settings) -> None:
    was = shop.reader.incarnation()
    with pytest.raises(StillServed, match=r"Huike runs on .* stop it"):
        run_restored(settings, None, None, yes=True)
    assert shop.reader.incarnation() == was
