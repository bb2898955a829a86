"""The log keeps what it is given once, in order, whole or not at all."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from domain.customer.events import CustomerRegistered, Person, TagAdded, TraitsAsserted
from domain.order.events import OrderShipped
from domain.shared.log import (
    Draft,
    Heard,
    HeardSince,
    Idempotency,
    OtherContent,
    OtherRequest,
    Receipt,
    StreamMoved,
    Who,
)
from domain.shared.personal import ERASED
from infra.event_store import EventLog, LogReader
from infra.sealing import PersonKeys
from tests.infra.event_store.said import ADA, IDS, NOON, of, said, viewed


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


def test_one_event_told_of_two_people_is_sealed_for_each(
    event_log: EventLog, reader: LogReader
) -> None:
    told = TraitsAsserted(person=Person(name="Twin"))
    event_log.append(said(of(ADA, told), of(IDS.user("shop", "bob"), told)))
    assert [fact.event for fact in reader.read(0, 10)] == [told, told]
