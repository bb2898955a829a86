"""Keys come back by the newest file there is, and only to the log that they are of."""

from pathlib import Path

import psycopg
import pytest

from domain.shared.personal import ERASED
from infra.backup.keys import put_keys
from infra.backup.restoring import restore
from infra.backup.taking import SIGNING, Taken, back_up
from infra.backup.unusable import (
    NotEmpty,
    OlderKeys,
    OtherFuture,
    OtherInstallation,
    OtherKeyring,
    OthersKeys,
)
from infra.epochs import renew
from infra.installation import prepare
from infra.key_making import KeyMaker
from infra.keyring import Keyring, KeyringWrapped
from infra.keys import all_keys
from infra.migrations import migrate
from infra.postgres import OWNER, connect
from infra.vault import VaultFailed
from tests.infra.backup.backups import Backups
from tests.infra.kms import Kms

pytestmark = pytest.mark.slow


def test_who_was_forgotten_since_stays_forgotten(backups: Backups) -> None:
    older = backups.take()
    backups.forget("user2")
    backups.shop.pay("user3", "later", 1)
    newer = backups.take()
    made = backups.restore(older, newer.keys)
    assert (made.position, made.forgotten) == (25, 1)
    assert backups.addresses == ["one@example.com", ERASED, "v@example.com"]


def living_keys(url: str) -> dict[str, bool]:
    with connect(url, OWNER) as owner:
        return {key.name: key.revoked_at is None for key in all_keys(owner)}


def test_api_keys_that_were_revoked_since_stay_revoked(backups: Backups) -> None:
    with connect(backups.shop.url, OWNER) as owner:
        for name in ("leaked", "kept", "former"):
            KeyMaker(owner).add(name, ["query"])
        KeyMaker(owner).revoke("former")
        older = backups.take(folder=backups.folder / "older")
        KeyMaker(owner).add("later", ["query"])
        for name in ("leaked", "later"):
            KeyMaker(owner).revoke(name)
        newer = backups.take()
        revoked = {key.name: key.revoked_at for key in all_keys(owner)}
    assert backups.restore(older, newer.keys).revoked == 1
    assert living_keys(backups.target) == {"leaked": False, "kept": True, "former": False}
    with connect(backups.target, OWNER) as owner:
        assert all(key.revoked_at == revoked[key.name] for key in all_keys(owner))


def test_of_the_keys_there_is_only_the_newest_file(backups: Backups) -> None:
    first = backups.take()
    with first.keys.open("rb") as held:
        backups.shop.pay("ada", "another", 1)
        second = backups.take()
        assert first.keys == second.keys
        assert set(held.read()) == {0}
    assert set(backups.folder.iterdir()) == {first.data, second.data, second.keys}


def test_keys_of_before_the_data_are_refused_unless_they_are_all_there_is(
    backups: Backups,
) -> None:
    older = backups.take()
    backups.shop.email("late", "late@example.com")
    newer = backups.take(folder=backups.folder / "newer")
    with pytest.raises(OlderKeys, match="--older-keys"):
        backups.restore(newer, older.keys)
    backups.restore(newer, older.keys, older=True)
    assert backups.addresses[-2:] == ["v@example.com", ERASED]


def test_keys_of_a_restored_log_go_with_what_it_was_and_not_with_what_it_never_knew(
    backups: Backups,
) -> None:
    before = backups.take()
    backups.restore(before)
    backups.shop.email("lost", "lost@example.com")
    lost = backups.take()
    after = back_up(backups.target, backups.keyring, backups.key, backups.folder / "after")
    with pytest.raises(OtherFuture):
        backups.restore(lost, after.keys)
    with pytest.raises(NotEmpty):  # these go together: it is the place that is refused
        backups.restore(before, after.keys)


def test_a_keyring_that_stands_there_and_is_not_this_logs_is_left_and_refused(
    backups: Backups,
) -> None:
    Keyring.open(backups.keyring)
    was = backups.keyring.read_bytes()
    with pytest.raises(OtherKeyring, match="move it away"):
        backups.restore(backups.take())
    assert backups.keyring.read_bytes() == was


def test_a_keyring_that_survived_is_kept(backups: Backups) -> None:
    backups.keyring.parent.mkdir()
    backups.keyring.write_bytes(backups.shop.keyring.read_bytes())
    inode = backups.keyring.stat().st_ino
    backups.restore(backups.take())
    assert backups.keyring.stat().st_ino == inode


def test_data_and_keys_of_two_installations_are_refused(backups: Backups) -> None:
    taken = backups.take()
    with psycopg.connect(backups.shop.url, autocommit=True) as owner:
        owner.execute("update log.installation set fingerprint = 'another'")
    other = backups.take(folder=backups.folder / "other")
    with pytest.raises(OtherInstallation):
        backups.restore(taken, other.keys)


@pytest.mark.parametrize("renewed", [False, True])
def test_a_key_that_nothing_unwraps_keeps_nobody_from_a_backup_or_from_restoring_it(
    backups: Backups, *, renewed: bool
) -> None:
    with connect(backups.shop.url) as owner:
        spoiled = owner.execute(
            "update keeper.person_key set wrapped = '\\x00' where identity <> %s",
            (backups.shop.user("user2"),),
        )
        assert spoiled.rowcount > 0
    if renewed:  # leaves them under the epoch before
        renew(backups.shop.url, Keyring.open(backups.shop.keyring))
    backups.restore(backups.take())
    assert backups.same


def test_a_log_that_was_put_back_by_other_means_takes_the_newest_keys(backups: Backups) -> None:
    before = backups.take()
    back_then = before.keys.rename(before.keys.with_name("keys-of-then"))
    keyring_of_then = backups.shop.keyring.read_bytes()
    backups.keyring.parent.mkdir()
    backups.keyring.write_bytes(keyring_of_then)
    backups.restore(before, back_then)
    with connect(backups.target) as as_it_was:
        was = backups.shop.reader.incarnation()
        as_it_was.execute("update log.installation set incarnation = %s", (was,))
        as_it_was.execute("delete from log.ancestor")
    backups.forget("user2")
    renew(backups.shop.url, Keyring.open(backups.shop.keyring))
    newest = backups.take()
    with pytest.raises(OtherKeyring):
        put_keys(backups.target, newest.keys, backups.key, backups.keyring)
    backups.keyring.write_bytes(backups.shop.keyring.read_bytes())
    put_keys(backups.target, newest.keys, backups.key, backups.keyring)
    assert backups.addresses == ["one@example.com", ERASED, "v@example.com"]


def test_a_log_takes_no_keys_that_do_not_know_all_of_it(backups: Backups) -> None:
    taken = backups.take()
    backups.shop.email("late", "late@example.com")
    with pytest.raises(OlderKeys):
        put_keys(backups.shop.url, taken.keys, backups.key, backups.shop.keyring)
    backups.restore(taken, backups.take().keys)
    with pytest.raises(OtherFuture):
        put_keys(backups.target, taken.keys, backups.key, backups.keyring)


def test_what_certificates_are_signed_with_is_kept(backups: Backups) -> None:
    backups.shop.keyring.with_name(SIGNING).write_bytes(b"a key")
    backups.restore(backups.take())
    assert backups.keyring.with_name(SIGNING).read_bytes() == b"a key"


def test_keys_of_another_log_are_not_replaced(backups: Backups) -> None:
    taken = backups.take()
    was = taken.keys.read_bytes()
    with psycopg.connect(backups.shop.url, autocommit=True) as owner:
        owner.execute("update log.installation set incarnation = gen_random_uuid()")
    with pytest.raises(OthersKeys, match="back up into another folder"):
        backups.take()
    with pytest.raises(OthersKeys):
        backups.take(folder=backups.folder / "data", keys_folder=backups.folder)
    assert taken.keys.read_bytes() == was
    assert set(backups.folder.iterdir()) - {backups.folder / "data"} == {taken.data, taken.keys}


def test_keys_that_go_elsewhere_now_are_not_left_where_they_were(backups: Backups) -> None:
    first = backups.take()
    second = backups.take(keys_folder=backups.folder / "keys")
    assert not first.keys.exists()
    assert second.keys.exists()


def test_data_of_before_an_update_are_restored_with_keys_of_after_it(
    backups: Backups, tmp_path: Path
) -> None:
    with psycopg.connect(backups.shop.url, autocommit=True) as owner:
        owner.execute("alter table log.refused drop column purged_for")
        owner.execute("delete from public.huike_migration where name = '0019_purged_for.sql'")
    older = backups.take(tmp_path / "before")
    assert migrate(backups.shop.url) == ["0019_purged_for.sql"]
    newer = backups.take(tmp_path / "after")
    backups.restore(older, newer.keys)
    assert migrate(backups.target) == []
    assert backups.same
    assert backups.addresses == ["one@example.com", "two@example.com", "v@example.com"]


def test_a_wrapped_keyring_comes_back_wrapped_and_opens_by_its_command_alone(
    backups: Backups, tmp_path: Path
) -> None:
    kms = Kms(tmp_path / "kms")
    Keyring.open(backups.shop.keyring).rewrap(kms.vault)

    def come_back(taken: Taken, keys: Path) -> None:
        to = (backups.target, taken.data, keys, backups.key, backups.keyring)
        restore(*to, vault=kms.vault)

    first = backups.take()
    with pytest.raises(KeyringWrapped, match="HUIKE_EPOCH_COMMAND"):
        backups.restore(first)
    renew(backups.shop.url, Keyring.open(backups.shop.keyring, kms.vault))
    with pytest.raises(VaultFailed, match="did not unwrap epoch-1"):
        come_back(first, first.keys)
    assert not backups.keyring.exists()
    come_back(first, backups.take().keys)
    assert backups.keyring.read_bytes() == backups.shop.keyring.read_bytes()
    assert prepare(backups.target, backups.keyring, kms.vault).secret
