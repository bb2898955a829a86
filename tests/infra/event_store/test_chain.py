# ruff: noqa: S608  # statements of our own
"""Whoever changes, removes, inserts or reorders a row of the log is found, in the right batch."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.event_store import EventLog
from infra.event_store.chain import BEGINNING, Break, Mark, first_break, follow
from infra.event_store.codec import COLUMNS
from infra.postgres import OWNER, WRITER, Connection, connect
from tests.infra.event_store import kept

OTHERWISE = {
    "stream": "gen_random_uuid()",
    "version": "version + 1",
    "type": "type || '!'",
    "type_version": "type_version + 1",
    "shop": "shop || '!'",
    "source": "source || '!'",
    "origin": "null",
    "subject": "gen_random_uuid()",
    "occurred_at": "occurred_at - interval '1 microsecond'",
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "actor_kind": "'person'",
    "actor_id": "'nobody'",
    "correlation": "'x'",
    "causation": "gen_random_uuid()",
    "body": r"body || '\x20'",
}


def swap(one: int, other: int) -> tuple[str, ...]:
    return (
        f"update log.fact set position = 999 where position = {one}",
        f"update log.fact set position = {one} where position = {other}",
        f"update log.fact set position = {other} where position = 999",
    )


def put(position: int, *, like: int) -> str:
    columns = COLUMNS.replace("position", str(position), 1)
    return f"insert into log.fact select {columns} from log.fact where position = {like}"


THIRD = "where position = 9"
LAST = "where position = 18"
DONE = {
    "a row removed": (["delete from log.fact where position = 8"], (7, 9, "removed")),
    "a batch's rows removed": (
        ["delete from log.fact where position between 7 and 9"],
        (7, 9, "removed"),
    ),
    "a row put before all": ([put(0, like=8)], (1, 3, "inserted")),
    "a row put in the middle": (
        [
            "update log.fact set position = position + 1000 where position >= 8",
            "update log.fact set position = position - 999 where position >= 1008",
            put(8, like=9),
        ],
        (7, 9, "changed"),
    ),
    "a row put at the end": ([put(19, like=8)], (19, 19, "loose")),
    "two rows of a batch reordered": (swap(7, 8), (7, 9, "changed")),
    "rows of two batches reordered": (swap(5, 14), (4, 6, "changed")),
    "a batch removed, its rows left": ([f"delete from log.batch {THIRD}"], (7, 12, "batch")),
    "a batch removed with its rows": (
        [f"delete from log.batch {THIRD}", "delete from log.fact where position between 7 and 9"],
        (7, 12, "removed"),
    ),
    "the last batch removed, its rows left": ([f"delete from log.batch {LAST}"], (16, 18, "loose")),
    "all batches removed": (["delete from log.batch"], (1, 18, "loose")),
    "two batches made one": (
        [f"delete from log.batch {THIRD}", "update log.batch set facts = 6 where position = 12"],
        (7, 12, "changed"),
    ),
    "a batch split": (
        [f"insert into log.batch select 8, recorded_at, 2, token, chain from log.batch {THIRD}"],
        (7, 8, "changed"),
    ),
    "a batch before all": (
        [f"insert into log.batch select -1, recorded_at, 0, token, chain from log.batch {THIRD}"],
        (-1, -1, "batch"),
    ),
    "a batch's hash changed": (
        [f"update log.batch set chain = sha256(chain) {THIRD}"],
        (7, 9, "changed"),
    ),
    "a batch's count changed": ([f"update log.batch set facts = 2 {THIRD}"], (7, 9, "batch")),
    "a batch's time changed": (
        [f"update log.batch set recorded_at = recorded_at - interval '1 day' {THIRD}"],
        (7, 9, "changed"),
    ),
}


@pytest.fixture
def log(database_url: str, tmp_path: Path) -> Iterator[EventLog]:
    with kept.writer(database_url, tmp_path / "keyring.json") as log:
        yield log


@pytest.fixture
def url(log: EventLog, database_url: str) -> str:
    """Where a log of positions 1 to 18 is, three to a batch, by w1:1, w2:2 ..."""
    kept.fill(log)
    return database_url


def ended(connection: Connection) -> Mark:
    end = follow(connection)
    assert isinstance(end, Mark)
    return end


def found_in(url: str) -> Break | None:
    with connect(url, WRITER) as connection:
        return first_break(connection)


def test_every_column_of_a_fact_is_under_the_chain() -> None:
    assert {"position", *OTHERWISE} == set(COLUMNS.split(", "))


def test_a_log_as_it_was_recorded_is_whole(url: str) -> None:
    with connect(url, WRITER) as connection:
        end = follow(connection)
        last = connection.execute("select chain from log.batch where position = 18").fetchone()
    assert last is not None
    assert end == Mark(18, last[0])


def test_an_empty_log_is_whole(database_url: str) -> None:
    with connect(database_url, WRITER) as connection:
        assert follow(connection) == BEGINNING


@pytest.mark.parametrize("column", OTHERWISE)
def test_a_changed_row_is_found_in_its_batch(url: str, column: str) -> None:
    kept.tamper(url, f"update log.fact set {column} = {OTHERWISE[column]} where position = 8")
    found = found_in(url)
    assert found is not None
    assert (found.first, found.last, found.kind) == (7, 9, "changed")


def test_a_break_says_when_and_by_whom_its_batch_was_recorded(url: str) -> None:
    kept.tamper(url, "update log.fact set body = '' where position = 8")
    found = found_in(url)
    assert found is not None
    with connect(url, WRITER) as connection:
        when = connection.execute("select recorded_at from log.batch where position = 9").fetchone()
    assert when == (found.recorded_at,)
    assert found.actors == ("process w3:3",)
    assert "positions 7 to 9, recorded 20" in str(found)


@pytest.mark.parametrize("what", DONE)
def test_whatever_was_done_is_found(url: str, what: str) -> None:
    statements, expected = DONE[what]
    kept.tamper(url, *statements)
    found = found_in(url)
    assert found is not None
    assert (found.first, found.last, found.kind) == expected


def test_what_is_missing_is_named(url: str) -> None:
    kept.tamper(url, "delete from log.fact where position in (7, 9)")
    found = found_in(url)
    assert found is not None
    assert found.why == "2 facts are gone: 7, 9"


def test_a_chain_that_is_mended_behind_a_change_breaks_at_the_next_batch(url: str) -> None:
    with connect(url, OWNER) as owner:
        before = owner.execute("select chain from log.batch where position = 6").fetchone()
        owner.execute("update log.fact set body = '' where position = 8")
        assert before is not None
        mended = kept.digest(before[0], owner, 6, 9)
        owner.execute("update log.batch set chain = %s where position = 9", (mended,))
    found = found_in(url)
    assert found is not None
    assert (found.first, found.last) == (10, 12)


def test_a_chain_that_is_made_anew_follows_but_is_not_the_one_that_was_sealed(url: str) -> None:
    with connect(url, WRITER) as connection:
        sealed = ended(connection)
    kept.tamper(url, "update log.fact set body = '' where position = 8")
    kept.chain_anew(url)
    with connect(url, WRITER) as connection:
        assert follow(connection) != sealed
        found = follow(connection, sealed=dict([sealed]))
    assert isinstance(found, Break)
    assert (found.first, found.last, found.kind) == (1, 18, "rewritten")


def test_the_first_seal_that_does_not_hold_is_named_with_the_one_before(url: str) -> None:
    with connect(url, WRITER) as connection:
        sealed = dict(
            connection.execute("select position, chain from log.batch where position % 6 = 0")
        )
    kept.tamper(url, "update log.fact set body = '' where position = 8")
    kept.chain_anew(url)
    with connect(url, WRITER) as connection:
        found = follow(connection, sealed=sealed)
    assert isinstance(found, Break)
    assert (found.first, found.last, found.kind) == (7, 12, "rewritten")


def test_an_end_that_was_cut_off_is_found_by_a_seal_and_by_nothing_else(url: str) -> None:
    with connect(url, WRITER) as connection:
        sealed = dict([ended(connection)])
    kept.tamper(
        url,
        "delete from log.fact where position > 15",
        "delete from log.batch where position > 15",
    )
    assert found_in(url) is None
    with connect(url, WRITER) as connection:
        found = follow(connection, sealed=sealed)
    assert isinstance(found, Break)
    assert (found.first, found.last, found.kind) == (1, 18, "shortened")


def test_it_is_followed_on_from_a_place_that_is_trusted(url: str) -> None:
    seen: list[bytes] = []
    with connect(url, WRITER) as connection:
        half = follow(connection, upto=9)
        assert isinstance(half, Mark)
        kept.tamper(url, "update log.fact set body = '' where position = 8")
        end = follow(connection, half, see=lambda rows: seen.extend(map(bytes, rows)))
        assert isinstance(end, Mark)
        assert b"".join(seen) == kept.rows(connection, 9, 18)
    assert (half.position, end.position) == (9, 18)


def test_what_is_written_meanwhile_is_no_break(url: str, log: EventLog) -> None:
    done = threading.Event()

    def write() -> None:
        for n in range(100):
            kept.fill(log, 1, begin=100 + n)
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    ends: list[int] = []
    while not done.is_set() or len(ends) < 3:
        with connect(url, WRITER) as connection:
            ends.append(ended(connection).position)
    thread.join()
    assert ends == sorted(ends)


def test_the_forgotten_break_nothing(url: str) -> None:
    with connect(url, OWNER) as owner:
        forgotten = owner.execute(
            "update keeper.person_key set wrapped = null, forgotten_at = now()"
        )
        assert forgotten.rowcount == kept.BATCHES
    assert found_in(url) is None


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_swap_or_loss_is_found_in_the_first_batch_that_it_touches(
    url: str, data: st.DataObject
) -> None:
    positions: Any = st.integers(1, 18)
    one, other = data.draw(st.lists(positions, min_size=2, max_size=2, unique=True))
    statements = data.draw(
        st.sampled_from([swap(one, other), (f"delete from log.fact where position = {one}",)])
    )
    touched = min(one, other) if len(statements) > 1 else one
    with connect(url, OWNER) as owner, owner.transaction(force_rollback=True):
        for statement in statements:
            owner.execute(statement.encode())
        found = first_break(owner)
    assert found is not None
    assert found.first <= touched <= found.last == -(-touched // 3) * 3
