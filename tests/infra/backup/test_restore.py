"""What is backed up comes back: every row and its chain."""

import os
import tracemalloc

import psycopg
import pytest

from infra.backup.restoring import restore
from infra.backup.taking import KEEPER, LOG, back_up
from infra.backup.unusable import FolderTaken, Inconsistent, NewerTables, NotEmpty
from infra.event_store.chain import first_break
from infra.installation import prepare
from infra.migrations import RestoreUnfinished, migrate
from infra.postgres import OWNER, connect
from tests.infra.backup.backups import Backups, contents
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


def test_a_restored_log_is_another_one(backups: Backups) -> None:
    was = backups.shop.reader.incarnation()
    made = backups.restore(backups.take())
    with connect(backups.target) as connection:
        row = connection.execute("select incarnation from log.installation").fetchone()
        ancestors = connection.execute("select incarnation, position from log.ancestor").fetchall()
    assert row == (made.incarnation,)
    assert ancestors == [(was, 25)]


def test_a_database_with_something_in_it_is_refused(backups: Backups) -> None:
    taken, was = backups.take(), contents(backups.shop.url)
    with pytest.raises(NotEmpty, match="restore into an empty database"):
        restore(backups.shop.url, taken.data, taken.keys, backups.key, backups.keyring)
    assert contents(backups.shop.url) == was


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


def test_everything_that_the_migrations_make_is_in_a_backup(backups: Backups) -> None:
    """Whoever adds a schema adds it to the backup."""
    with connect(backups.shop.url) as connection:
        rows = connection.execute(
            "select distinct nspname from pg_class c join pg_namespace n on n.oid = relnamespace "
            "where relkind in ('r', 'p', 'S') and nspname !~ '^(pg_|information_schema)' "
            "and relname <> 'huike_migration'"
        ).fetchall()
    assert {name for (name,) in rows} - {"views", "huike"} == {LOG, KEEPER}


def test_numbers_go_on_where_they_were(backups: Backups) -> None:
    with connect(backups.shop.url, OWNER) as owner:
        owner.execute(
            "insert into log.retention (certificate) select '' from generate_series(1, 3)"
        )
    backups.restore(backups.take())
    with connect(backups.target, OWNER) as owner:
        row = owner.execute(
            "insert into log.retention (certificate) values ('') returning id"
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


def test_a_restored_log_goes_on_where_its_backups_were(backups: Backups) -> None:
    backups.restore(backups.take())
    taken = back_up(backups.target, backups.keyring, backups.key, backups.folder)
    assert taken.position == 25
