"""The relay publishes every fact in order for each slot, and again at most what it cannot know."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, TopicPartition

from consumers.relay import Relay, fill_again
from domain.activity.events import Tracked
from domain.campaign.events import CampaignEnded
from domain.customer.events import Person, TagAdded, TraitsAsserted
from domain.shared.ids import Ids
from domain.shared.log import Actor, Append, Draft, Who
from domain.shared.personal import ERASED
from infra.event_store import EventLog
from infra.event_store.codec import fact_of
from infra.facts_topic import Record, record_of
from infra.kafka import make_topics
from infra.keyring import Keyring
from infra.postgres import KEEPER, pool
from infra.sealing import PersonKeys
from infra.settings import Settings
from projections.projection import slot_of
from tests.consumers.following import eventually, running

pytestmark = pytest.mark.kafka

SLOTS = 4
IDS = Ids(b"secret")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def settings(database_url: str, kafka_bootstrap: str, tmp_path: Path) -> Settings:
    name = uuid4().hex
    made = Settings(
        log_url=database_url,
        kafka_bootstrap=kafka_bootstrap,
        home=tmp_path,
        slots=SLOTS,
        kafka_topic_in=f"in-{name}",
        kafka_topic_dead=f"dead-{name}",
        kafka_topic_facts=f"facts-{name}",
    )
    make_topics(made, replicas=1)
    return made


@pytest.fixture
def event_log(settings: Settings) -> Iterator[EventLog]:
    assert settings.log_url is not None
    keeper = pool(settings.log_url, KEEPER)
    opened = EventLog(settings.log_url, PersonKeys(keeper, Keyring.open(settings.keyring_file)))
    yield opened
    opened.close()
    keeper.close()


def tagged(log: EventLog, customers: int, tag: str) -> int:
    """Tag each of so many customers; return the last position."""
    position = 0
    for n in range(customers):
        draft = Draft(
            event=TagAdded(tag=tag), occurred_at=NOON, who=Who(user=IDS.user("shop", str(n)))
        )
        position = appended(log, draft)
    return position


def appended(log: EventLog, *facts: Draft) -> int:
    receipt = log.append(
        Append(facts=facts, actor=Actor("key", "k"), shop="shop", source="site", correlation="r-1")
    )
    assert receipt.position is not None
    return receipt.position


@contextmanager
def relaying(settings: Settings) -> Iterator[Callable[[int], None]]:
    """Run a relay; yields how to wait until it has published a position."""
    moved = threading.Condition()
    reached = [0]

    def published(position: int) -> None:
        with moved:
            reached[0] = position
            moved.notify_all()

    def wait_for(position: int) -> None:
        with moved:
            assert moved.wait_for(lambda: reached[0] >= position, timeout=30)

    with running(Relay(settings, published).run):
        yield wait_for


def records(settings: Settings) -> dict[int, list[Record]]:
    """Return everything on the topic of facts, watermarks left out, by slot."""
    assert settings.kafka_bootstrap is not None
    consumer = KafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, consumer_timeout_ms=1_000, group_id=None
    )
    parts = [TopicPartition(settings.kafka_topic_facts, slot) for slot in range(SLOTS)]
    consumer.assign(parts)
    consumer.seek_to_beginning(*parts)
    ends: dict[Any, int] = consumer.end_offsets(parts)
    found: dict[int, list[Record]] = {slot: [] for slot in range(SLOTS)}
    for message in consumer:
        record = record_of(message.headers, message.value)
        if record.row is not None:
            assert message.key == dict(message.headers)["ce_subject"]
            found[message.partition].append(record)
        if all(consumer.position(p) >= ends[p] for p in parts):
            break
    consumer.close()
    return found


def test_every_fact_is_published_to_its_slot_in_order(
    settings: Settings, event_log: EventLog
) -> None:
    with relaying(settings) as wait_for:
        wait_for(tagged(event_log, 50, "a"))
        wait_for(tagged(event_log, 50, "b"))
    found = records(settings)
    assert sorted(r.position for slot in found.values() for r in slot) == list(range(1, 101))
    for slot, published in found.items():
        positions = [r.position for r in published]
        assert positions == sorted(positions)
        assert all(r.row and slot_of(r.row[8], SLOTS) == slot for r in published)
        assert all(b.previous >= a.position for a, b in pairwise(published))


def test_a_fact_of_nobody_goes_to_every_slot(settings: Settings, event_log: EventLog) -> None:
    with relaying(settings) as wait_for:
        ended = Draft(event=CampaignEnded(), occurred_at=NOON, stream=uuid4())
        wait_for(appended(event_log, ended))
    assert [len(slot) for slot in records(settings).values()] == [1] * SLOTS


def test_behaviour_of_nobodys_goes_to_one_slot(settings: Settings, event_log: EventLog) -> None:
    viewed = Draft(
        event=Tracked(name="Product Viewed", content=b"once"), occurred_at=NOON, stream=uuid4()
    )
    with relaying(settings) as wait_for:
        wait_for(appended(event_log, viewed))
    assert sum(len(published) for published in records(settings).values()) == 1


def test_a_record_says_all_that_the_log_says_and_keeps_personal_fields_sealed(
    settings: Settings, event_log: EventLog
) -> None:
    told = TraitsAsserted(person=Person(name="Ada Lovelace"), traits={"age": 36})
    with relaying(settings) as wait_for:
        ada = IDS.user("shop", "ada")
        wait_for(appended(event_log, Draft(event=told, occurred_at=NOON, who=Who(user=ada))))
    (record,) = [r for slot in records(settings).values() for r in slot]
    assert record.row is not None
    assert b"Lovelace" not in record.row[15]
    fact = fact_of(record.row, None)
    assert (fact.position, fact.stream, fact.subject, fact.version) == (1, ada, ada, 1)
    assert (fact.correlation, fact.actor_kind, fact.occurred_at) == ("r-1", "key", NOON)
    assert isinstance(fact.event, TraitsAsserted)
    assert (fact.event.person, fact.event.traits) == (ERASED, {"age": 36})


def test_a_relay_that_comes_back_goes_on_where_kafka_had_come(
    settings: Settings, event_log: EventLog
) -> None:
    with relaying(settings) as wait_for:
        wait_for(tagged(event_log, 20, "a"))
    last = tagged(event_log, 20, "b")
    with relaying(settings) as wait_for:
        wait_for(last)
    positions = [r.position for slot in records(settings).values() for r in slot]
    assert sorted(positions) == list(range(1, 41))


def test_one_relay_is_active_and_another_stands_by(settings: Settings, event_log: EventLog) -> None:
    with relaying(settings) as first:
        first(tagged(event_log, 5, "a"))
        with relaying(settings):
            first(tagged(event_log, 5, "b"))
    positions = [r.position for slot in records(settings).values() for r in slot]
    assert sorted(positions) == list(range(1, 11))


def test_a_relay_that_is_told_to_fill_the_topic_begins_again_at_the_first_fact(
    settings: Settings, event_log: EventLog
) -> None:
    assert settings.log_url is not None
    with relaying(settings) as wait_for:
        last = tagged(event_log, 20, "a")
        wait_for(last)
        assert fill_again(settings.log_url) == last
        eventually(lambda: len(positions_of(settings)) >= 2 * last, "it is published again")
        wait_for(tagged(event_log, 1, "b"))
    published = positions_of(settings)
    assert sorted(published) == sorted([*range(1, last + 1)] * 2 + [last + 1])
    with relaying(settings) as wait_for:
        wait_for(tagged(event_log, 1, "c"))
    assert len(positions_of(settings)) == len(published) + 1, "once is enough"


def positions_of(settings: Settings) -> list[int]:
    return [record.position for slot in records(settings).values() for record in slot]
