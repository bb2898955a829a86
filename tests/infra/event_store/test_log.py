"""The log keeps what it is given once, in order, whole or not at all."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from domain.activity.events import Tracked
from domain.customer.events import (
    CustomerRegistered,
    KnownByAnotherId,
    Person,
    TagAdded,
    TraitsAsserted,
    VisitorRecognised,
    VisitorRedirected,
)
from domain.order.events import (
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    OrderToldOfAnotherCustomer,
)
from domain.shared.events import Event
from domain.shared.ids import Ids
from domain.shared.log import (
    Actor,
    Append,
    Draft,
    Heard,
    HeardSince,
    Idempotency,
    LogUnavailable,
    Message,
    OtherContent,
    OtherRequest,
    Receipt,
    Recognition,
    StreamMoved,
    Who,
)
from domain.shared.personal import ERASED
from infra.event_store import EventLog, LogReader
from infra.event_store.reader import LOCK
from infra.event_store.room import PART
from infra.postgres import OWNER, WRITER, connect
from infra.sealing import PersonKeys

IDS = Ids(b"secret")
SITE = Actor("key", "site")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def event_log(database_url: str, keys: PersonKeys) -> Iterator[EventLog]:
    opened = EventLog(database_url, keys)
    yield opened
    opened.close()


def said(*facts: Draft, message: str | None = None, **more: object) -> Append:
    sent = (
        Message(
            id=IDS.message("shop", "site", message),
            content=IDS.content(str(more.pop("content", "same")).encode()),
            original=b"{}",
        )
        if message
        else None
    )
    return Append(facts=facts, actor=SITE, shop="shop", source="site", message=sent, **more)  # type: ignore[arg-type]  # a test's shorthand


def viewed(message: str, *, user: str | None = None, visitor: str | None = None) -> Append:
    who = Who(
        user=IDS.user("shop", user) if user else None,
        anonymous=IDS.anonymous("shop", visitor) if visitor else None,
    )
    event = Tracked(name="Product Viewed", content=b"digest")
    draft = Draft(
        event=event, occurred_at=NOON, who=who, stream=IDS.message("shop", "site", message)
    )
    return said(draft, message=message)


def of(customer: UUID, event: Event, *, first: bool = False) -> Draft:
    return Draft(event=event, occurred_at=NOON, who=Who(user=customer), first=first)


ADA = IDS.user("shop", "ada")


def test_positions_are_dense_and_streams_count_from_one(
    event_log: EventLog, reader: LogReader
) -> None:
    event_log.append(said(of(ADA, CustomerRegistered()), of(ADA, TagAdded(tag="vip"))))
    event_log.append(said(of(ADA, TagAdded(tag="tall"))))
    facts = reader.read(0, 10)
    assert [(f.position, f.stream, f.version) for f in facts] == [
        (1, ADA, 1),
        (2, ADA, 2),
        (3, ADA, 3),
    ]


def test_a_message_is_recorded_once(event_log: EventLog, reader: LogReader) -> None:
    first = event_log.append(viewed("m1", user="ada"))
    again = event_log.append(viewed("m1", user="ada"))
    assert (first.recorded, again.recorded, again.duplicate) == (1, 0, True)
    assert len(reader.read(0, 10)) == 1


def test_a_message_sent_twice_in_one_batch_is_recorded_once(
    event_log: EventLog, reader: LogReader
) -> None:
    futures = [event_log.submit(viewed("m1", user="ada")) for _ in range(50)]
    assert sum(f.result().recorded for f in futures) == 1
    assert len(reader.read(0, 100)) == 1


def test_the_same_message_id_with_another_content_is_refused(event_log: EventLog) -> None:
    event_log.append(viewed("m1", user="ada"))
    other = viewed("m1", user="ada")
    changed = said(*other.facts, message="m1", content="other")
    with pytest.raises(OtherContent):
        event_log.append(changed)


def test_personal_fields_are_sealed_in_the_log_and_open_with_the_key(
    event_log: EventLog, reader: LogReader, database_url: str
) -> None:
    told = TraitsAsserted(person=Person(name="Ada Lovelace"), traits={"age": 36})
    event_log.append(said(of(ADA, told)))
    assert reader.read(0, 1)[0].event == told
    stranger = LogReader(database_url, None)
    (seen,) = stranger.read(0, 1)
    stranger.close()
    assert isinstance(seen.event, TraitsAsserted)
    assert seen.event.person is ERASED
    assert seen.event.traits == {"age": 36}


def test_an_append_that_expects_another_version_is_refused_and_its_neighbours_are_kept(
    event_log: EventLog, reader: LogReader
) -> None:
    event_log.append(said(of(ADA, CustomerRegistered())))
    stale = event_log.submit(said(of(ADA, TagAdded(tag="a")), expected={ADA: 0}))
    right = event_log.submit(said(of(ADA, TagAdded(tag="b")), expected={ADA: 1}))
    with pytest.raises(StreamMoved):
        stale.result()
    assert right.result().position == 2
    assert len(reader.read(0, 10)) == 2


def test_an_append_whose_writer_did_not_hear_the_last_word_is_refused(
    event_log: EventLog, reader: LogReader
) -> None:
    bob, eve = IDS.user("shop", "bob"), IDS.user("shop", "eve")
    event_log.append(said(of(ADA, CustomerRegistered())))
    event_log.append(viewed("m1", user="bob"))  # behaviour: nobody decides on it
    heard = Heard(origins=(ADA, bob), upto=1)
    assert event_log.append(said(of(ADA, TagAdded(tag="a")), heard=heard)).position == 3
    with pytest.raises(HeardSince):
        event_log.append(said(of(ADA, TagAdded(tag="b")), heard=heard))
    other = event_log.submit(said(of(bob, CustomerRegistered())))
    late = event_log.submit(said(of(eve, TagAdded(tag="c")), heard=Heard(origins=(bob,), upto=3)))
    assert other.result().position == 4
    with pytest.raises(HeardSince):
        late.result()
    assert len(reader.read(0, 10)) == 4


def test_a_fact_for_a_new_stream_only_is_left_out_of_an_old_one(event_log: EventLog) -> None:
    event_log.append(said(of(ADA, CustomerRegistered(), first=True)))
    again = event_log.append(said(of(ADA, CustomerRegistered(), first=True)))
    assert again == Receipt(position=None, recorded=0)


def test_an_idempotency_key_gets_the_same_answer_again(event_log: EventLog) -> None:
    key = Idempotency(key=b"k", request=b"r", answer=b"{}")
    asked = said(of(ADA, CustomerRegistered()), idempotency=key)
    futures = [event_log.submit(asked) for _ in range(3)]
    assert [f.result().position for f in futures] == [1, 1, 1]
    other = said(
        of(ADA, TagAdded(tag="x")), idempotency=Idempotency(key=b"k", request=b"s", answer=b"{}")
    )
    with pytest.raises(OtherRequest):
        event_log.append(other)


def test_a_recognised_visitor_becomes_the_customer_from_then_on(
    event_log: EventLog, reader: LogReader
) -> None:
    visitor = IDS.anonymous("shop", "v")
    event_log.append(viewed("m1", visitor="v"))
    event_log.append(
        said(
            of(ADA, CustomerRegistered()),
            recognition=Recognition(visitor=visitor, user=ADA, occurred_at=NOON),
        )
    )
    event_log.append(viewed("m2", visitor="v"))
    facts = reader.read(0, 10)
    assert [(type(f.event), f.origin, f.subject) for f in facts] == [
        (Tracked, visitor, visitor),
        (CustomerRegistered, ADA, ADA),
        (VisitorRecognised, visitor, visitor),
        (KnownByAnotherId, ADA, ADA),
        (Tracked, ADA, ADA),
    ]
    assert set(reader.origins_of(ADA, at=5)) == {ADA, visitor}
    assert reader.origins_of(ADA, at=3) == [ADA]
    assert reader.customer_of(visitor) == ADA
    assert reader.customer_of(visitor, at=3) == visitor
    chunks = list(reader.scan(range(32), 32, upto=5))
    assert {customer for chunk in chunks for customer, _ in chunk} == {ADA}


def test_a_shared_device_only_redirects_what_comes_next(
    event_log: EventLog, reader: LogReader
) -> None:
    visitor = IDS.anonymous("shop", "v")
    bob = IDS.user("shop", "bob")
    for user in (ADA, bob):
        event_log.append(
            said(
                of(user, CustomerRegistered()),
                recognition=Recognition(visitor=visitor, user=user, occurred_at=NOON),
            )
        )
    event_log.append(viewed("m1", visitor="v"))
    facts = reader.read(0, 10)
    assert isinstance(facts[-2].event, VisitorRedirected)
    assert facts[-1].origin == bob
    assert reader.customer_of(visitor) == ADA


def test_an_order_of_nobody_known_is_recognised_when_its_customer_is(
    event_log: EventLog, reader: LogReader
) -> None:
    order = IDS.order("shop", "1001")
    refunded = OrderRefunded(currency="EUR", amount=Decimal(5))
    event_log.append(said(Draft(event=refunded, occurred_at=NOON, who=Who(), stream=order)))
    placed = OrderPlaced(number="1001", currency="EUR", total=Decimal(20))
    event_log.append(said(Draft(event=placed, occurred_at=NOON, who=Who(user=ADA), stream=order)))
    assert reader.customer_of(order) == ADA
    last = reader.read(0, 10)[-1]
    assert (last.origin, last.subject, last.version) == (order, ADA, 3)


def test_orders_found_to_be_a_visitors_become_the_customers_when_the_visitor_does(
    event_log: EventLog, reader: LogReader
) -> None:
    visitor = IDS.anonymous("shop", "v")
    orders = [IDS.order("shop", number) for number in ("1001", "1002")]
    placed = OrderPlaced(number="1001", currency="EUR", total=Decimal(20))
    for order in orders:
        event_log.append(said(Draft(event=placed, occurred_at=NOON, who=Who(), stream=order)))
    shipped = [
        said(Draft(event=OrderShipped(), occurred_at=NOON, who=Who(anonymous=visitor), stream=o))
        for o in orders
    ]
    event_log.append(shipped[0])
    told = Recognition(visitor=visitor, user=ADA, occurred_at=NOON)
    later = said(of(ADA, CustomerRegistered()), recognition=told)
    for future in [event_log.submit(append) for append in (shipped[1], later)]:
        future.result()
    assert [reader.customer_of(order) for order in orders] == [ADA, ADA]
    end = reader.last()
    assert set(reader.origins_of(ADA, at=end)) == {ADA, visitor, *orders}
    assert reader.origins_of(visitor, at=end) == [visitor]
    assert {who for chunk in reader.scan([0], 1, upto=end) for who, _ in chunk} == {ADA}
    before = max(f.position for f in reader.read(0, 99) if isinstance(f.event, VisitorRecognised))
    assert set(reader.origins_of(visitor, at=before)) == {visitor, *orders}
    event_log.append(
        said(Draft(event=OrderShipped(), occurred_at=NOON, who=Who(user=ADA), stream=orders[0]))
    )
    last = reader.read(0, 99)[-1]
    assert (last.origin, last.subject) == (orders[0], ADA)


def test_that_an_order_is_told_of_another_customer_is_recorded(
    event_log: EventLog, reader: LogReader
) -> None:
    order, visitor = IDS.order("shop", "1001"), IDS.anonymous("shop", "v")
    bob = IDS.user("shop", "bob")

    def shipped(who: Who) -> int:
        """Tell of the order; return how many facts were recorded."""
        other = OrderToldOfAnotherCustomer(identity=who.user or ADA)
        told = Draft(event=OrderShipped(), occurred_at=NOON, who=who, stream=order)
        of_other = Draft(event=other, occurred_at=NOON, who=who, stream=order, of_another=True)
        return event_log.append(said(told, of_other)).recorded

    known = Recognition(visitor=visitor, user=ADA, occurred_at=NOON)
    assert shipped(Who(anonymous=visitor)) == 1
    assert shipped(Who(user=ADA)) == 2
    event_log.append(said(of(ADA, CustomerRegistered()), recognition=known))
    assert shipped(Who(user=ADA)) == 1
    assert shipped(Who(user=bob)) == 2
    last = reader.read(0, 99)[-1]
    assert last.event == OrderToldOfAnotherCustomer(identity=bob)
    assert (last.stream, last.origin, last.subject) == (order, visitor, ADA)


def test_a_fact_never_occurs_after_it_was_recorded(event_log: EventLog, reader: LogReader) -> None:
    ahead = Draft(
        event=CustomerRegistered(),
        occurred_at=datetime.now(UTC) + timedelta(days=7),
        who=Who(user=ADA),
    )
    event_log.append(said(ahead))
    (fact,) = reader.read(0, 1)
    assert fact.occurred_at == fact.recorded_at


def test_a_matter_has_a_key_only_where_it_is_nobodys_known(
    event_log: EventLog, keys: PersonKeys
) -> None:
    hers, guests = IDS.order("shop", "A-1"), IDS.order("shop", "A-2")
    shipped = OrderShipped(tracking="1 St James's Sq")
    for who, order in ((Who(user=ADA), hers), (Who(), hers), (Who(), guests)):
        event_log.append(said(Draft(event=shipped, occurred_at=NOON, who=who, stream=order)))
    assert [keys.has_key(who) for who in (ADA, hers, guests)] == [True, False, True]


def test_one_that_cannot_be_sealed_is_refused_alone(event_log: EventLog) -> None:
    nobody = Draft(event=TraitsAsserted(person=Person(name="x")), occurred_at=NOON, stream=uuid4())
    bad = event_log.submit(said(nobody))
    good = event_log.submit(said(of(ADA, CustomerRegistered())))
    with pytest.raises(ValueError, match="is personal"):
        bad.result()
    assert good.result().recorded == 1


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


def test_one_event_told_of_two_people_is_sealed_for_each(
    event_log: EventLog, reader: LogReader
) -> None:
    told = TraitsAsserted(person=Person(name="Twin"))
    event_log.append(said(of(ADA, told), of(IDS.user("shop", "bob"), told)))
    assert [fact.event for fact in reader.read(0, 10)] == [told, told]
