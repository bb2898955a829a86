"""Operators are told when the last backup, drill and seal were, and what failed since."""

from pathlib import Path

import psycopg

from consumers.backup import backup, make_key
from consumers.parts import findings
from infra.epochs import renew
from infra.keyring import Keyring
from infra.postgres import WRITER, connect
from infra.settings import Settings
from infra.upkeep import BACKUP, DRILL, SEAL, Upkeep, note_at, upkeep_of
from tests.infra.kms import Kms
from tests.projections.runtime.shop import Shop


def kept(url: str) -> dict[str, Upkeep]:
    with connect(url, WRITER) as connection:
        return {one.what: one for one in upkeep_of(connection)}


def told(settings: Settings, what: str) -> tuple[str, str | None]:
    (finding,) = [one for one in findings(settings) if one.what == what]
    return finding.found, finding.mend


def days_pass(url: str, days: int) -> None:
    """Have all that was written down so far be of so many days ago."""
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("update log.upkeep set at = at - make_interval(days => %s)", (days,))
        owner.execute(
            "update log.batch set recorded_at = recorded_at - make_interval(days => %s)", (days,)
        )


def test_what_was_never_done_is_said_and_a_new_log_is_not_late(
    shop: Shop, settings: Settings
) -> None:
    shop.pay("ada", "1001", 1)
    assert {what: one.at for what, one in kept(shop.url).items()} == {
        BACKUP: None,
        DRILL: None,
        SEAL: None,
    }
    for what in (BACKUP, DRILL, SEAL):
        assert told(settings, what) == ("none yet", None)


def test_a_log_that_goes_without_a_backup_for_days_is_pointed_out(
    shop: Shop, settings: Settings
) -> None:
    shop.pay("ada", "1001", 1)
    days_pass(shop.url, 3)
    found, mend = told(settings, BACKUP)
    assert found == "none yet"
    assert mend == "3 days without one: `huike backup` (HUIKE_BACKUP_DAYS)"
    elsewhere = settings.model_copy(update={"backup_days": 0})
    assert told(elsewhere, BACKUP) == ("none yet", None)


def test_a_backup_is_written_down_with_what_it_covers(
    shop: Shop, settings: Settings, tmp_path: Path
) -> None:
    shop.pay("ada", "1001", 1)
    head = kept(shop.url)[BACKUP].facts
    make_key(tmp_path / "backup.key")
    backup(settings, tmp_path / "backups", tmp_path / "backup.key", None)
    shop.pay("ada", "1002", 2)
    one = kept(shop.url)[BACKUP]
    assert one.position == head
    assert one.facts > 0
    found, mend = told(settings, BACKUP)
    assert f"up to fact {head:,}; {one.facts:,} since" in found
    assert mend is None
    days_pass(shop.url, 3)
    assert told(settings, BACKUP)[1] is not None


def test_what_did_not_work_is_said_until_it_works(shop: Shop, settings: Settings) -> None:
    shop.pay("ada", "1001", 1)
    note_at(shop.url, DRILL, 1)
    note_at(shop.url, DRILL, None, "the backup was altered")
    one = kept(shop.url)[DRILL]
    assert (one.position, one.failure) == (1, "the backup was altered")
    assert str(told(settings, DRILL)[1]).endswith("the backup was altered")
    note_at(shop.url, DRILL, 1)
    assert told(settings, DRILL)[1] is None


def test_a_database_of_before_this_was_written_down_is_backed_up_as_well(
    shop: Shop, settings: Settings
) -> None:
    with psycopg.connect(shop.url, autocommit=True) as owner:
        owner.execute("drop table log.upkeep")
    note_at(shop.url, BACKUP, 1)
    assert [one for one in findings(settings) if one.what == BACKUP] == []


def test_a_backup_whose_keys_a_kms_may_have_destroyed_is_pointed_out(
    shop: Shop, settings: Settings, tmp_path: Path
) -> None:
    kms = Kms(tmp_path / "kms")
    settings = settings.model_copy(update={"epoch_command": kms.line})
    shop.pay("ada", "1001", 1)
    note_at(shop.url, BACKUP, 1)
    assert told(settings, BACKUP)[1] is None
    renew(shop.url, Keyring.open(shop.keyring, settings.vault))
    assert str(told(settings, BACKUP)[1]).startswith("kms may not unwrap its keys, they are of")
    note_at(shop.url, BACKUP, 1)
    assert told(settings, BACKUP)[1] is None
