"""A backup is proved on a scratch server, against the log that runs or against itself."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from msgspec.structs import replace

from consumers.drill import Found, drill_restore
from consumers.seals import seal_head
from infra.backup.key import BackupKey
from infra.backup.taking import back_up
from infra.backup.unusable import Altered
from infra.keyring import Keyring, KeyringWrapped
from infra.postgres import KEEPER, WRITER, connect
from infra.seals import Seal, seal
from infra.settings import Settings
from infra.signing import Signer
from infra.upkeep import DRILL, upkeep_of
from projections.catalogue import VIEWS
from tests.infra.event_store import kept as tampered
from tests.infra.kms import Kms
from tests.projections.runtime.shop import Shop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def scratch(server_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Have the drill in a folder of its own, which must be empty in the end."""
    monkeypatch.setattr(tempfile, "tempdir", str(server_folder))
    yield server_folder
    assert list(server_folder.glob("huike-drill-*")) == []


@pytest.fixture
def key(tmp_path: Path) -> Path:
    BackupKey.make(tmp_path / "backup.key")
    return tmp_path / "backup.key"


@pytest.fixture
def folder(shop: Shop, key: Path, tmp_path: Path) -> Path:
    """Give the backup of a shop that goes on after it."""
    for n in range(20):
        shop.pay(f"user{n % 5}", f"o{n}", n)
    shop.email("user1", "one@example.com")
    shop.email("user2", "two@example.com")
    shop.email(None, "v@example.com", visitor="v1")
    with connect(shop.url, WRITER) as writer:
        assert seal(writer, Signer.beside(shop.keyring), datetime.now(UTC))
    folder = tmp_path / "backups"
    back_up(shop.url, shop.keyring, BackupKey.read(key), folder)
    shop.recognise("v1", "user1")
    shop.pay("user1", "later", 7)
    return folder


def test_of_a_large_log_it_is_told_what_a_million_facts_take() -> None:
    table = Found(facts=200_000, took={"restored": 2.0, "views made": 4.0}).table()
    assert [column.header for column in table.columns] == ["step", "took", "a million facts"]
    assert list(table.columns[2].cells) == ["10.0 s", "20.0 s", "30.0 s"]


def drilled(settings: Settings) -> tuple[int | None, str | None]:
    """Return up to which fact the last good drill was, and why one failed since."""
    assert settings.log_url is not None
    with connect(settings.log_url, WRITER) as connection:
        (one,) = [one for one in upkeep_of(connection) if one.what == DRILL]
    return one.position, one.failure


def test_a_good_backup_is_what_the_log_that_runs_was(
    settings: Settings, folder: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drill_restore(settings, folder, None, key, processes=1) == 0
    told, aside = capsys.readouterr()
    assert "a million facts" not in told  # of so few nothing can be told of a million
    assert all(f"comparing {view}" in aside for view in VIEWS)
    assert "23 facts, up to position 23" in told
    assert "compared with a replay of the log that runs" in told
    assert "seals that the log keeps itself: 1\nsealed up to position 23\n" in told
    assert "The backup is good." in told
    for step in ("restored", "chain verified", "keys opened", "views made", "views compared"):
        assert step in told
    assert drilled(settings) == (23, None)


def test_who_was_forgotten_after_the_backup_is_no_difference(
    shop: Shop, settings: Settings, folder: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with connect(shop.url, KEEPER) as keeper:
        keeper.execute(
            "update keeper.person_key set wrapped = null, forgotten_at = now() where identity = %s",
            (shop.user("user2"),),
        )
    assert drill_restore(settings, folder, None, key, processes=1) == 0
    told = capsys.readouterr().out
    assert "1 are forgotten" in told
    assert "1 of these were forgotten since the keys file was taken" in told


def test_a_log_that_was_rewritten_since_differs_from_its_backup(
    shop: Shop, settings: Settings, folder: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(shop.url, autocommit=True) as owner:
        owner.execute(
            "update log.fact set body = (select body from log.fact where position = 20) "
            "where position = 3"
        )
    assert drill_restore(settings, folder, None, key, processes=1) == 1
    assert "Wrong: profile differs" in capsys.readouterr().out
    position, failure = drilled(settings)
    assert position is None
    assert str(failure).startswith("profile differs")


def test_where_nothing_runs_the_backup_is_proved_by_itself(
    settings: Settings, folder: Path, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = settings.model_copy(
        update={"log_url": None, "home": tmp_path / "none", "keyring": tmp_path / "none.json"}
    )
    assert drill_restore(alone, folder, None, key, processes=1) == 0
    assert "a replay of themselves" in capsys.readouterr().out
    assert not (tmp_path / "none.json").exists()


def test_a_harmed_backup_ends_the_drill_with_its_reason(
    settings: Settings, folder: Path, key: Path
) -> None:
    (data,) = folder.glob("*.huike-data")
    content = bytearray(data.read_bytes())
    content[-20] ^= 1
    data.write_bytes(content)
    with pytest.raises(Altered):
        drill_restore(settings, folder, None, key, processes=1)
    assert "was altered" in str(drilled(settings)[1])


def test_a_backup_whose_keys_are_not_unwrapped_ends_the_drill_with_its_reason(
    shop: Shop, settings: Settings, folder: Path, key: Path, tmp_path: Path
) -> None:
    Keyring.open(shop.keyring).rewrap(Kms(tmp_path / "kms").vault)
    back_up(shop.url, shop.keyring, BackupKey.read(key), folder)
    with pytest.raises(KeyringWrapped):
        drill_restore(settings, folder, None, key, processes=1)
    assert "set HUIKE_EPOCH_COMMAND" in str(drilled(settings)[1])


def test_a_backup_is_held_to_the_seals_of_a_file_as_far_as_they_are_of_it(
    shop: Shop, settings: Settings, folder: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "seals.jsonl"
    assert seal_head(settings, file, None) == 0
    with connect(shop.url, WRITER) as connection:
        lines = [row[0] for row in connection.execute("select seal from log.seal")]
    file.write_text("\n".join(lines))
    assert drill_restore(settings, folder, None, key, processes=1, against=file) == 0
    told = capsys.readouterr().out
    assert "seals from outside: 1, and 1 of later facts\nsealed up to position 23\n" in told


def test_who_sealed_anew_what_they_rewrote_before_the_backup_is_found_by_a_file_of_seals(
    shop: Shop, settings: Settings, folder: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, other = folder / "seals.jsonl", folder.with_name("rewritten")
    with connect(shop.url, WRITER) as connection:
        file.write_text("".join(row[0] for row in connection.execute("select seal from log.seal")))
    tampered.tamper(shop.url, "delete from log.seal")
    tampered.tamper(shop.url, "update log.fact set actor_id = 'x' where position = 3")
    tampered.chain_anew(shop.url)
    back_up(shop.url, shop.keyring, BackupKey.read(key), other)
    assert drill_restore(settings, other, None, key, processes=1) == 0
    told = capsys.readouterr().out
    assert "seals that the log keeps itself: 0\nnever sealed" in told
    assert drill_restore(settings, other, None, key, processes=1, against=file) == 1
    assert "Wrong: the log is not as it was recorded" in capsys.readouterr().out


def test_a_seal_of_another_log_proves_nothing_of_a_backup(
    settings: Settings, folder: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signer = Signer.beside(settings.keyring_file)
    unsigned = Seal(
        log=uuid4(),
        position=1,
        chain="0" * 64,
        peaks=("0" * 64,),
        sealed_at=datetime.now(UTC),
        key=signer.public,
    )
    file = folder / "seals.jsonl"
    file.write_bytes(replace(unsigned, signature=signer.sign(unsigned.told)).line())
    assert drill_restore(settings, folder, None, key, processes=1, against=file) == 1
    assert "is of another log" in capsys.readouterr().out


def test_a_history_that_was_rewritten_before_the_backup_is_found_by_its_seals(
    shop: Shop,
    settings: Settings,
    folder: Path,
    key: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with psycopg.connect(shop.url, autocommit=True) as owner:
        owner.execute("update log.batch set chain = sha256(chain) where position = 23")
    other = folder.with_name("rewritten")
    back_up(shop.url, shop.keyring, BackupKey.read(key), other)
    assert drill_restore(settings, other, None, key, processes=1) == 1
    assert "Wrong: the log is not as it was recorded" in capsys.readouterr().out


def test_a_read_that_was_put_in_before_the_backup_is_found(
    shop: Shop,
    settings: Settings,
    folder: Path,
    key: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tampered.tamper(
        shop.url,
        "insert into log.access (id, at, actor, shop, period, sealed, chain) "
        "values (1, now(), '', 'tea', '2026-03', '', sha256(''))",
    )
    other = folder.with_name("touched")
    back_up(shop.url, shop.keyring, BackupKey.read(key), other)
    assert drill_restore(settings, other, None, key, processes=1) == 1
    assert "Wrong: the access log is not as it was written: read 1" in " ".join(
        capsys.readouterr().out.split()
    )
