"""What was accepted is recorded once, and everybody is answered, whatever is lost and when."""

import os
import socket
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from time import monotonic, sleep

import psycopg
import pytest

from domain.customer.events import TagAdded
from domain.shared.ids import Ids
from domain.shared.log import (
    Actor,
    Append,
    Draft,
    Idempotency,
    LogLost,
    Receipt,
    Who,
)
from infra.event_store import EventLog, writer
from infra.event_store.reader import LOCK
from infra.postgres import WRITER, Connection, Impatient
from infra.sealing import PersonKeys
from tests.stalling import copying

ADA = Ids(b"secret").user("shop", "ada")
WAITS = "select pid from pg_stat_activity where datname = current_database() and wait_event = "


@pytest.fixture
def log(database_url: str, keys: PersonKeys) -> Iterator[EventLog]:
    opened = EventLog(database_url, keys, patience=60.0)
    yield opened
    opened.close()


def tagged(tag: str, idempotency: Idempotency | None = None) -> Append:
    event, noon = TagAdded(tag=tag), datetime(2026, 1, 1, 12, tzinfo=UTC)
    return Append(
        facts=(Draft(event=event, occurred_at=noon, who=Who(user=ADA)),),
        actor=Actor("key", "site"),
        shop="shop",
        source="site",
        idempotency=idempotency,
    )


def tags(log: EventLog) -> list[str]:
    return [f.event.tag for f in log.stream(ADA) if isinstance(f.event, TagAdded)]


def wait_until(connection: Connection, statement: str) -> None:
    """Wait until a statement finds something."""
    until = monotonic() + 60
    while connection.execute(statement.encode()).fetchone() is None:
        assert monotonic() < until
        sleep(0.01)


def hang_up(log: EventLog) -> None:
    """Cut the writer's connection; the server goes on with what it has."""
    connection = log._connection  # noqa: SLF001  # a wire that is cut has no other name
    assert connection is not None
    with socket.socket(fileno=os.dup(connection.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)


def test_a_commit_that_the_server_still_makes_is_not_made_again(
    log: EventLog, database_url: str
) -> None:
    log.append(tagged("a"))
    with (
        psycopg.connect(database_url) as holding,
        psycopg.connect(database_url, autocommit=True) as looking,
    ):
        holding.execute("lock table log.batch in share mode")
        asked = log.submit(tagged("b"))
        wait_until(looking, f"{WAITS} 'relation'")
        hang_up(log)
        wait_until(looking, f"{WAITS} 'advisory'")
        holding.commit()
    assert asked.result(60).position == 2
    assert tags(log) == ["a", "b"]


def test_who_may_have_been_recorded_is_not_told_otherwise(
    database_url: str, keys: PersonKeys
) -> None:
    with (
        psycopg.connect(database_url) as holding,
        psycopg.connect(database_url, autocommit=True) as looking,
    ):
        hurried = EventLog(database_url, keys, patience=0)
        holding.execute("lock table log.batch in share mode")
        asked = hurried.submit(tagged("a"))
        wait_until(looking, f"{WAITS} 'relation'")
        hang_up(hurried)
        assert isinstance(asked.exception(60), LogLost)
        holding.commit()
        hurried.append(tagged("b"))
        assert tags(hurried) == ["a", "b"]
        hurried.close()


def test_a_batch_that_takes_too_long_is_given_up_whole(
    database_url: str, keys: PersonKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_BOUND", "500ms")
    with psycopg.connect(database_url) as holding:
        taken: list[int] = []
        hurried = EventLog(
            database_url, keys, patience=0, watch=lambda appends, *_: taken.append(appends)
        )
        holding.execute("lock table log.fact in share mode")
        answers = hurried.submit_all([tagged(str(n)) for n in range(4)]).result(60)
        holding.rollback()
        assert [type(answer) for answer in answers] == [LogLost] * 4
        hurried.append(tagged("later"))
        hurried.close()
    assert taken == [1]


def test_who_gives_up_waiting_for_several_takes_nothing_from_others(log: EventLog) -> None:
    several = log.submit_all([tagged(str(n)) for n in range(50)])
    assert not several.cancel()
    assert log.append(tagged("other")).position == 51
    assert len(several.result(60)) == 50


def test_who_asks_with_the_key_of_one_who_gave_up_is_answered(log: EventLog) -> None:
    once = Idempotency(key=b"k" * 16, request=b"r" * 32, answer=b"")
    gone: Future[Receipt] = Future()
    gone.cancel()
    still: Future[Receipt] = Future()
    log._put([(tagged("a", once), gone), (tagged("a", once), still)])  # noqa: SLF001  # at once
    assert still.result(60).position == 1


def test_a_process_that_stalls_while_it_copies_facts_holds_up_nobody(
    log: EventLog, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append(tagged("a"))
    monkeypatch.setattr(Impatient, "patience", 2.0)
    lock = f"select pg_advisory_xact_lock({LOCK})"
    with copying(database_url, WRITER, "log.fact", "begin", lock):
        assert log.append(tagged("b")).position == 2
