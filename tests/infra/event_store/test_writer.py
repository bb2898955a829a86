"""The writer: what waits is committed together, whatever becomes of who waits and of Postgres."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.customer.events import CustomerRegistered, TagAdded
from domain.shared.log import LogUnavailable
from infra.event_store import EventLog, LogReader
from infra.event_store.reader import LOCK
from infra.event_store.room import PART
from infra.postgres import OWNER, WRITER, connect
from infra.sealing import PersonKeys
from tests.infra.event_store.said import ADA, of, said, viewed


def test_two_writers_record_one_message_once(
    database_url: str, keys: PersonKeys, reader: LogReader
) -> None:
    logs = [EventLog(database_url, keys) for _ in range(2)]
    with ThreadPoolExecutor(8) as threads:
        receipts = list(
            threads.map(lambda n: logs[n % 2].append(viewed(f"m{n // 8}", user="ada")), range(400))
        )
    for opened in logs:
        opened.close()
    assert sum(r.recorded for r in receipts) == 50
    assert [f.position for f in reader.read(0, 1000)] == list(range(1, 51))


def test_the_log_goes_on_into_its_next_partition(
    database_url: str, keys: PersonKeys, reader: LogReader
) -> None:
    last = 2 * PART - 3
    with connect(database_url, OWNER) as connection:
        connection.execute(
            "insert into log.batch values (%s, now(), 1, gen_random_uuid(), ''::bytea)", (last,)
        )
    log = EventLog(database_url, keys)
    for n in range(6):
        log.append(said(of(ADA, TagAdded(tag=str(n)))))
    log.close()
    assert [f.position for f in reader.read(last, 10)] == list(range(last + 1, last + 7))


def test_who_reads_the_log_for_long_holds_up_no_partition(
    database_url: str, keys: PersonKeys
) -> None:
    with connect(database_url, OWNER) as connection:
        connection.execute(
            "insert into log.batch values (%s, now(), 1, gen_random_uuid(), ''::bytea)", (PART,)
        )
    with connect(database_url, WRITER, autocommit=False) as backup:
        backup.execute("select from log.fact, log.original")
        log = EventLog(database_url, keys)
        log.append(said(of(ADA, CustomerRegistered())))
        log.close()
    with connect(database_url) as connection:
        made = connection.execute("select to_regclass('log.fact_2')::text").fetchone()
    assert made == ("log.fact_2",)


def test_a_log_that_is_closed_takes_nothing_more(database_url: str, keys: PersonKeys) -> None:
    log = EventLog(database_url, keys)
    log.close()
    with pytest.raises(LogUnavailable):
        log.append(said(of(ADA, CustomerRegistered())))


def test_a_watch_that_fails_harms_nobody(
    database_url: str, keys: PersonKeys, reader: LogReader
) -> None:
    def watch(*_: object) -> None:
        raise ZeroDivisionError

    watched = EventLog(database_url, keys, watch=watch)
    appends = [said(of(ADA, TagAdded(tag=tag))) for tag in ("vip", "tea")]
    for append in appends:
        assert watched.submit(append).result(20).recorded == 1
    watched.close()
    assert len(reader.read(0, 10)) == 2


def test_who_writes_while_the_log_is_closed_is_answered(
    database_url: str, keys: PersonKeys
) -> None:
    closing = EventLog(database_url, keys)
    futures = []
    with ThreadPoolExecutor(4) as writers:
        tries = [
            writers.submit(closing.submit, said(of(ADA, TagAdded(tag=str(n))))) for n in range(200)
        ]
        closing.close()
        futures = [each.result(20) for each in tries]
    for future in futures:
        error = future.exception(20)
        assert error is None or isinstance(error, LogUnavailable)


def test_what_is_accepted_is_on_disk_whatever_the_server_is_set_to(
    database_url: str, keys: PersonKeys
) -> None:
    with connect(database_url) as admin:
        name = admin.info.dbname
        admin.execute(f'alter database "{name}" set synchronous_commit = off')
    careful = EventLog(database_url, keys)
    try:
        careful.append(said(of(ADA, TagAdded(tag="vip"))))
        connection = careful._connect()  # noqa: SLF001  # no other way to see its session
        assert connection.execute("show synchronous_commit").fetchone() == ("on",)
    finally:
        careful.close()


def test_a_full_queue_refuses_at_once_and_loses_nothing_it_took(
    database_url: str, keys: PersonKeys, reader: LogReader
) -> None:
    log = EventLog(database_url, keys, most_waiting=3)
    with connect(database_url, WRITER, autocommit=False) as rival:
        rival.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        futures = [log.submit(viewed(f"m{n}", user="ada")) for n in range(20)]
        refused = [f for f in futures if f.done() and isinstance(f.exception(), LogUnavailable)]
        rival.rollback()
    log.close()
    assert refused
    assert len(reader.read(0, 100)) == len(futures) - len(refused)


def test_a_lost_connection_is_made_again_and_nothing_is_twice(
    database_url: str, keys: PersonKeys, reader: LogReader
) -> None:
    log = EventLog(database_url, keys)
    with connect(database_url) as admin:
        for n in range(10):
            log.append(viewed(f"m{n}", user="ada"))
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name = 'huike:huike_writer' and datname = current_database()"
            )
    log.close()
    assert [f.position for f in reader.read(0, 100)] == list(range(1, 11))


def test_what_is_cancelled_while_it_waits_is_not_recorded_and_harms_nobody(
    event_log: EventLog, database_url: str, reader: LogReader
) -> None:
    with connect(database_url, WRITER, autocommit=False) as rival:
        rival.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        first = event_log.submit(viewed("m1", user="ada"))
        while not first.running():
            time.sleep(0.01)
        cancelled = event_log.submit(viewed("m2", user="ada"))
        last = event_log.submit(viewed("m3", user="ada"))
        assert cancelled.cancel()
        assert not first.cancel()
        rival.rollback()
    assert (first.result().position, last.result().position) == (1, 2)
    assert len(reader.read(0, 10)) == 2
