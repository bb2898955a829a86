"""Shops publish over Kafka: once in the log, refused ones kept, offsets only after the log."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from kafka import KafkaConsumer, TopicPartition

from consumers.shop import run_shop
from domain.order.events import OrderPlaced
from domain.shared.events import Fact
from domain.shared.ids import Ids
from infra.event_store import LogReader
from infra.kafka import make_topics, producer
from infra.keyring import Keyring
from infra.postgres import KEEPER, WRITER, Connection, connect, pool
from infra.refused import Packet, Refusals
from infra.sealing import PersonKeys, RefusedEvent
from infra.settings import Settings
from tests.consumers.following import running

pytestmark = pytest.mark.kafka

WAIT_SECONDS = 40.0
VIEWED = {"type": "track", "userId": "42", "event": "Product Viewed"}
CLOUD_EVENT = {"ce_specversion": "1.0", "ce_id": "7", "ce_source": "/erp", "ce_type": "track"}


class Topic:
    """The shops' topic and what became of its records."""

    def __init__(self, settings: Settings) -> None:
        assert settings.log_url is not None
        assert settings.kafka_bootstrap is not None
        self.settings = settings
        self.group = f"ingest-{uuid4().hex}"
        self.ids = Ids(Keyring.open(settings.keyring_file).secret)
        self._keeper = pool(settings.log_url, KEEPER)
        self._writer = pool(settings.log_url, WRITER)
        self.keys = PersonKeys(self._keeper, Keyring.open(settings.keyring_file))
        self.refused = Refusals(self._writer, self.keys, self.ids)
        self._reader = LogReader(settings.log_url, self.keys)
        self.out = producer(settings)

    def close(self) -> None:
        self.out.close(timeout=5)
        self._reader.close()
        self._writer.close()
        self._keeper.close()

    def publish(self, *messages: object, **headers: str) -> None:
        """Publish messages, all to one partition; `ce_id` and so on are headers."""
        for message in messages:
            self.out.send(
                self.settings.kafka_topic_in,
                value=message if isinstance(message, bytes) else json.dumps(message).encode(),
                headers=[(name, v.encode()) for name, v in headers.items()],
                partition=0,
            )
        self.out.flush(timeout=20)

    def packing(self, codec: str | None) -> Any:
        """Return a producer that packs what it sends. The caller closes it."""
        assert self.settings.kafka_bootstrap is not None
        return producer(self.settings, compression_type=codec)

    def facts(self) -> list[Fact]:
        return list(self._reader.read(0, 20_000))

    def tracked(self) -> int:
        return [fact.type for fact in self.facts()].count("activity.tracked")

    def committed(self) -> int:
        """Return the group's offset in the partition."""
        with_group = KafkaConsumer(
            bootstrap_servers=self.settings.kafka_bootstrap, group_id=self.group
        )
        try:
            offset = with_group.committed(TopicPartition(self.settings.kafka_topic_in, 0))
        finally:
            with_group.close()
        return int(offset or 0)

    def dead(self, count: int) -> list[Any]:
        """Return so many dead letters."""
        inbox = KafkaConsumer(
            self.settings.kafka_topic_dead,
            bootstrap_servers=self.settings.kafka_bootstrap,
            auto_offset_reset="earliest",
            group_id=None,
        )
        found: list[Any] = []

        def there() -> bool:
            for batch in inbox.poll(timeout_ms=200).values():
                found.extend(batch)
            return len(found) >= count

        try:
            eventually(there, f"{count} dead letters")
        finally:
            inbox.close()
        return found


def eventually(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)


@pytest.fixture
def topic(database_url: str, kafka_bootstrap: str, tmp_path: Path) -> Iterator[Topic]:
    name = uuid4().hex
    settings = Settings(
        log_url=database_url,
        kafka_bootstrap=kafka_bootstrap,
        home=tmp_path,
        slots=2,
        kafka_topic_in=f"in-{name}",
        kafka_topic_dead=f"dead-{name}",
        kafka_topic_facts=f"facts-{name}",
    )
    make_topics(settings, replicas=1)
    made = Topic(settings)
    yield made
    made.close()


def ingesting(topic: Topic) -> AbstractContextManager[None]:
    """Run the consumer in a thread, and end it as SIGTERM does."""
    return running(lambda stop: run_shop(topic.settings, stop, topic.group))


def headers_of(record: Any) -> Mapping[str, str]:
    return {name: value.decode() for name, value in record.headers}


def test_messages_and_cloud_events_are_recorded_and_refused_ones_are_kept(topic: Topic) -> None:
    topic.publish({**VIEWED, "messageId": "m1"}, {**VIEWED, "messageId": "m1"}, VIEWED, VIEWED)
    topic.publish({"userId": "42", "event": "Product Clicked"}, **CLOUD_EVENT)
    topic.publish({"userId": "42", "event": "Product Clicked"}, **CLOUD_EVENT)
    topic.publish(
        {
            "specversion": "1.0",
            "id": "8",
            "source": "/erp",
            "type": "Order Placed",
            "subject": "42",
            "data": {"order_id": "1001", "total": 5},
        },
        **{"content-type": "application/cloudevents+json", "huike-currency": "CNY"},
    )
    bad = {"type": "track", "event": "Product Viewed", "properties": {"mail": "ada@example.com"}}
    topic.publish(bad, b"{")
    with ingesting(topic):
        dead = topic.dead(2)
        eventually(lambda: topic.committed() == 9, "the offset")
    names = [f.event.name for f in topic.facts() if f.type == "activity.tracked"]  # type: ignore[attr-defined]  # it is a Tracked
    assert sorted(names) == ["Order Placed", "Product Clicked", *["Product Viewed"] * 3]
    (placed,) = topic.facts()[-1:]
    assert isinstance(placed.event, OrderPlaced)
    assert placed.event.currency == "CNY"
    assert (placed.shop, placed.source, placed.actor_kind) == ("shop", "kafka", "system")
    assert placed.origin == topic.ids.user("shop", "42")
    kept = topic.refused.page(after=None, reason=None, limit=10)
    assert {one.reason for one in kept} == {"missing-id", "broken-json"}
    assert {one.place for one in kept} == {
        f"{topic.settings.kafka_topic_in}/0@{offset}" for offset in (7, 8)
    }
    told = [headers_of(letter) for letter in dead]
    assert [(h["huike-reason"], h["huike-offset"]) for h in told] == [
        ("missing-id", "7"),
        ("broken-json", "8"),
    ]
    assert b"ada@example.com" not in dead[0].value
    id_, month = UUID(told[0]["huike-refused"]), told[0]["huike-received"][:7]
    sealed = RefusedEvent(id_, "shop", "kafka", month, dead[0].value)
    (opened,) = topic.keys.open_refused([sealed])
    assert opened is not None
    assert json.loads(msgspec.msgpack.decode(opened, type=Packet).message) == bad


def test_what_is_refused_of_the_forgotten_is_kept_nowhere(topic: Topic) -> None:
    topic.keys.forget([topic.ids.user("shop", "42")])
    bad = {"type": "dance", "properties": {"mail": "ada@example.com"}}
    topic.publish({**bad, "userId": "42"}, {**bad, "userId": "43"})
    with ingesting(topic):
        eventually(lambda: topic.committed() == 2, "the offset")
    (kept,) = topic.refused.page(after=None, reason=None, limit=10)
    letters = topic.dead(1)
    assert [headers_of(letter)["huike-offset"] for letter in letters] == ["1"]
    assert (kept.reason, kept.place) == ("unknown-type", f"{topic.settings.kafka_topic_in}/0@1")


def _waits(locker: Connection) -> bool:
    question = "select from pg_locks where not granted and relation = 'log.fact'::regclass"
    return bool(locker.execute(question).fetchall())


def test_offsets_wait_for_the_log(topic: Topic) -> None:
    assert topic.settings.log_url is not None
    with connect(topic.settings.log_url) as locker, ingesting(topic):
        locker.execute("begin")
        locker.execute("lock table log.fact in exclusive mode")
        topic.publish(VIEWED)
        eventually(lambda: _waits(locker), "the writer stands before the lock")
        assert topic.committed() == 0
        locker.execute("rollback")
        eventually(lambda: topic.committed() == 1, "the offset")
    assert topic.tracked() == 1


def test_what_was_taken_before_a_restart_is_not_taken_twice(topic: Topic) -> None:
    topic.publish(*[VIEWED] * 50)
    with ingesting(topic):
        eventually(lambda: topic.tracked() == 50, "the facts")
    topic.group = f"again-{topic.group}"  # nothing is known of any offset
    topic.publish(VIEWED)
    with ingesting(topic):
        eventually(lambda: topic.committed() == 51, "the offset")
    assert topic.tracked() == 51


def test_two_consumers_share_the_topic(topic: Topic) -> None:
    with ingesting(topic), ingesting(topic):
        topic.publish(*[{**VIEWED, "messageId": f"m{n % 500}"} for n in range(2_000)])
        eventually(lambda: topic.tracked() == 500, "the facts")
