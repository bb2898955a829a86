"""What is backed up comes back: every row, its chain, and the keys that open it."""

import os
import tracemalloc
from pathlib import Path

import psycopg
import pytest

from domain.shared.personal import ERASED
from infra.backup.keys import put_keys
from infra.backup.restoring import restore
from infra.backup.taking import KEEPER, LOG, SIGNING, Taken, back_up
from infra.backup.unusable import (
    FolderTaken,
    Inconsistent,
    NewerTables,
    NotEmpty,
    OlderKeys,
    OtherFuture,
    OtherInstallation,
    OtherKeyring,
    OthersKeys,
)
from infra.epochs import renew
from infra.event_store.chain import first_break
from infra.installation import prepare
from infra.keyring import Keyring, KeyringWrapped
from infra.migrations import RestoreUnfinished, migrate
from infra.postgres import OWNER, connect
from infra.vault import VaultFailed
from tests.infra.backup.backups import Backups, contents
from tests.infra.kms import Kms
from tests.projections.runtime.shop import Shop

pytestmark = pytest.mark.slow


def test_every_row_comes_back(backups: Backups) -> None:
    made = backups.restore(backups.take())
    assert (made.position, made.facts) == (25, 25)
    assert backups.same
    with connect(backups.target) as connection:
        assert first_break(connection) is None


def test_what_was_sealed_opens_again(backups: Backups) -> None:
    backups.restore(backups.take())
    assert backups.keyring.read_bytes() == backups.shop.keyring.read_bytes()
    assert backups.keyring.stat().st_mode & 0o077 == 0
    assert backups.addresses == ["one@example.com", "two@example.com", "v@example.com"]


def test_who_was_forgotten_since_stays_forgotten(backups: Backups) -> None:
    older = backups.take()
    backups.forget("user2")
    backups.shop.pay("user3", "later", 1)
    newer = backups.take()
    made = backups.restore(older, newer.keys)
    assert (made.position, made.forgotten) == (25, 1)
    assert backups.addresses == ["one@example.com", ERASED, "v@example.com"]


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


def test_a_restored_log_is_another_one(backups: Backups) -> None:
    was = backups.shop.reader.incarnation()
    made = backups.restore(backups.take())
    with connect(backups.target) as connection:
        row = connection.execute("select incarnation from log.installation").fetchone()
        ancestors = connection.execute("select incarnation, position from log.ancestor").fetchall()
    assert row == (made.incarnation,)
    assert ancestors == [(was, 25)]


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


def test_a_database_with_something_in_it_is_refused(backups: Backups) -> None:
    taken, was = backups.take(), contents(backups.shop.url)
    with pytest.raises(NotEmpty, match="restore into an empty database"):
        restore(backups.shop.url, taken.data, taken.keys, backups.key, backups.keyring)
    assert contents(backups.shop.url) == was


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


def test_what_a_newer_huike_made_is_refused(backups: Backups) -> None:
    with psycopg.connect(backups.shop.url, autocommit=True) as owner:
        owner.execute("insert into public.huike_migration (name) values ('9999_later.sql')")
    with pytest.raises(NewerTables, match=r"9999_later\.sql"):
        backups.restore(backups.take())


def test_a_table_that_this_huike_does_not_know_is_refused(backups: Backups) -> None:
    with psycopg.connect(backups.shop.url, autocommit=True) as owner:
        owner.execute("create table log.added (id bigint generated always as identity)")
        owner.execute("alter table log.added owner to huike_owner")
    with pytest.raises(Inconsistent, match=r"log\.added"):
        backups.restore(backups.take())


def test_a_log_that_lost_facts_is_not_restored_as_a_whole_one(backups: Backups) -> None:
    with psycopg.connect(backups.shop.url, autocommit=True) as owner:
        owner.execute("delete from log.fact where position = 7")
    with pytest.raises(Inconsistent, match="does not end where it did"):
        backups.restore(backups.take())
    with pytest.raises(RestoreUnfinished):
        migrate(backups.target)


class Killed(BaseException):
    """As by a signal: nothing catches it."""


def test_nothing_starts_on_half_a_restore_and_the_next_one_clears_it(backups: Backups) -> None:
    def die(_file: str, done: int, _total: int) -> None:
        if done:
            raise Killed

    taken = backups.take()
    with pytest.raises(Killed):
        backups.restore(taken, told=die)
    with pytest.raises(RestoreUnfinished, match="run `huike restore` again"):
        prepare(backups.target, backups.keyring)
    assert not backups.keyring.exists()
    backups.restore(taken)
    assert backups.same
    prepare(backups.target, backups.keyring)


def test_a_backup_that_is_killed_leaves_nothing_that_looks_like_one(backups: Backups) -> None:
    def die(_done: int, _total: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        back_up(backups.shop.url, backups.shop.keyring, backups.key, backups.folder, told=die)
    assert list(backups.folder.iterdir()) == []
    (backups.folder / ".huike-keys.huike-draft").write_text("of one that was killed at once")
    taken = backups.take()
    assert set(backups.folder.iterdir()) == {taken.data, taken.keys}


def test_two_backups_into_one_folder_do_not_meet(backups: Backups) -> None:
    def again(_done: int, _total: int) -> None:
        with pytest.raises(FolderTaken):
            backups.take()
        raise Killed

    with pytest.raises(Killed):
        back_up(backups.shop.url, backups.shop.keyring, backups.key, backups.folder, told=again)


def test_parts_of_tables_are_made_again(backups: Backups) -> None:
    with psycopg.connect(backups.shop.url, autocommit=True) as owner:
        owner.execute("select log.ensure_room(12000000, '2024-01-15')")
    parts = (
        "select inhrelid::regclass::text from pg_inherits join pg_class c on c.oid = inhrelid "
        "where c.relkind = 'r' order by 1"
    )
    backups.restore(backups.take())
    with connect(backups.shop.url) as one, connect(backups.target) as other:
        wanted = one.execute(parts).fetchall()
        assert {("log.original_2024_01",), ("log.fact_3",)} <= set(wanted)
        assert other.execute(parts).fetchall() == wanted


def test_a_backup_takes_what_was_committed_when_it_began_and_holds_up_nobody(
    backups: Backups,
) -> None:
    began: list[int] = []

    def publish(done: int, _total: int) -> None:
        if done and not began:
            began.append(backups.shop.pay("ada", "meanwhile", 1))

    taken = back_up(
        backups.shop.url, backups.shop.keyring, backups.key, backups.folder, told=publish
    )
    assert began == [26]
    assert taken.position == 25
    assert backups.restore(taken).position == 25


def test_a_restored_log_takes_new_facts(backups: Backups) -> None:
    backups.restore(backups.take())
    prepare(backups.target, backups.keyring)
    with Shop.open(backups.target, backups.keyring) as shop:
        assert shop.pay("ada", "new", 5) == 26
    with connect(backups.target) as connection:
        assert first_break(connection) is None


def test_a_backup_says_how_far_it_is(backups: Backups) -> None:
    told: list[tuple[int, int]] = []
    back_up(
        backups.shop.url,
        backups.shop.keyring,
        backups.key,
        backups.folder,
        told=lambda done, total: told.append((done, total)),
    )
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] > 0


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


def test_everything_that_the_migrations_make_is_in_a_backup(backups: Backups) -> None:
    """Whoever adds a schema adds it to the backup."""
    with connect(backups.shop.url) as connection:
        rows = connection.execute(
            "select distinct nspname from pg_class c join pg_namespace n on n.oid = relnamespace "
            "where relkind in ('r', 'p', 'S') and nspname !~ '^(pg_|information_schema)' "
            "and relname <> 'huike_migration'"
        ).fetchall()
    assert {name for (name,) in rows} - {"views", "huike"} == {LOG, KEEPER}


def test_what_certificates_are_signed_with_is_kept(backups: Backups) -> None:
    backups.shop.keyring.with_name(SIGNING).write_bytes(b"a key")
    backups.restore(backups.take())
    assert backups.keyring.with_name(SIGNING).read_bytes() == b"a key"


def test_numbers_go_on_where_they_were(backups: Backups) -> None:
    with connect(backups.shop.url, OWNER) as owner:
        owner.execute(
            "insert into log.access (at, actor, shop, period, sealed) "
            "select now(), '', 'tea', '2026-11', '' from generate_series(1, 3)"
        )
    backups.restore(backups.take())
    with connect(backups.target, OWNER) as owner:
        row = owner.execute(
            "insert into log.access (at, actor, shop, period, sealed) "
            "values (now(), '', 'tea', '2026-11', '') returning id"
        ).fetchone()
    assert row == (4,)


def test_memory_does_not_grow_with_what_is_backed_up(backups: Backups) -> None:
    megabytes, most = 24, 12
    with psycopg.connect(backups.shop.url, autocommit=True) as owner:
        for n in range(megabytes):
            owner.execute(
                "insert into log.job (kind, asked, asked_by) values ('k', to_jsonb(%s::text), 'a')",
                (os.urandom(500_000).hex() + str(n),),
            )
    tracemalloc.start()
    taken = backups.take()
    backups.restore(taken)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken.data.stat().st_size > megabytes * 500_000
    assert peak < most * 1_000_000


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


def test_a_restored_log_goes_on_where_its_backups_were(backups: Backups) -> None:
    backups.restore(backups.take())
    taken = back_up(backups.target, backups.keyring, backups.key, backups.folder)
    assert taken.position == 25


def test_keys_that_go_elsewhere_now_are_not_left_where_they_were(backups: Backups) -> None:
    first = backups.take()
    second = backups.take(keys_folder=backups.folder / "keys")
    assert not first.keys.exists()
    assert second.keys.exists()


def test_data_of_before_an_update_are_restored_with_keys_of_after_it(backups: Backups) -> None:
    with psycopg.connect(backups.shop.url, autocommit=True) as owner:
        owner.execute("drop table log.seal")
        owner.execute("delete from public.huike_migration where name = '0009_seals.sql'")
    older = backups.take()
    assert migrate(backups.shop.url) == ["0009_seals.sql"]
    newer = backups.take()
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
