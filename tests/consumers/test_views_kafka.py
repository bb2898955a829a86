"""Workers keep the views live from Kafka; the log fills what a topic lacks."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from consumers.relay import Relay
from infra import facts_topic
from infra.kafka import make_topics, producer
from infra.postgres import WRITER, connect
from infra.settings import Settings
from projections.projection import slot_of
from tests.consumers.following import eventually, position, process, running, wait_for, worker
from tests.consumers.test_shop_garbage import NoText
from tests.projections.histories import SLOTS
from tests.projections.runtime.shop import Shop

pytestmark = pytest.mark.kafka


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with Shop.open(database_url, tmp_path / "keyring.json") as shop:
        yield shop


@pytest.fixture
def settings(shop: Shop, kafka_bootstrap: str) -> Settings:
    made = Settings(
        log_url=shop.url,
        keyring=shop.keyring,
        slots=SLOTS,
        kafka_bootstrap=kafka_bootstrap,
        kafka_topic_in=f"in-{uuid4().hex}",
        kafka_topic_dead=f"dead-{uuid4().hex}",
        kafka_topic_facts=f"facts-{uuid4().hex}",
    )
    make_topics(made, replicas=1)
    return made


def relay(settings: Settings) -> AbstractContextManager[None]:
    return running(Relay(settings).run)


def test_a_worker_follows_kafka(shop: Shop, settings: Settings) -> None:
    shop.email(None, "v@example.com", visitor="v1")
    for n in range(50):
        shop.pay(f"user{n % 7}", f"o{n}", n)
    with relay(settings), worker(settings):
        shop.recognise("v1", "user1")
        shop.adopt(30)
        wait_for(shop, shop.draft("spring"))
        assert shop.verify().different == 0


def test_a_worker_changes_over_from_the_log_to_kafka_without_a_rebuild(
    shop: Shop, settings: Settings
) -> None:
    for n in range(20):
        shop.pay(f"user{n % 7}", f"o{n}", n)
    with worker(settings.model_copy(update={"kafka_bootstrap": None})):
        wait_for(shop, shop.reader.head().position)
    with relay(settings), worker(settings):
        wait_for(shop, shop.pay("ada", "p1", 1))
    assert shop.verify().different == 0


def test_records_that_are_no_facts_stop_nobody(shop: Shop, settings: Settings) -> None:
    assert settings.kafka_bootstrap is not None
    strange: list[list[tuple[str, bytes]]] = [[], [("ce_position", b"\xff")]]
    now = datetime.now(UTC)
    head = shop.pay("ada", "o1", 1)
    ours = str(shop.reader.incarnation())
    watermark = dict(facts_topic.watermark(head, 0, now, ours))
    (row,) = shop.reader.raw(0, 1)
    fact = dict(facts_topic.headers_of(row, 0, ours))
    for name, value in (
        ("ce_position", b"9" * 5_000),
        ("ce_position", b"9" * 19),
        ("ce_position", b"-5"),
        ("ce_previous", b"9" * 18),
        ("ce_time", b"2026-01-01T00:00:00"),
        ("ce_time", b"yesterday"),
        ("ce_incarnation", b"\xff"),
    ):
        strange += [list({**told, name: value}.items()) for told in (watermark, fact)]
    strange += [[(n, v) for n, v in fact.items() if n != name] for name in ("ce_type", "ce_stream")]
    strange.append(list({**fact, "ce_customer": b"nobody"}.items()))
    stranger = producer(settings)
    for slot in range(SLOTS):
        for headers in strange:
            for body in (None, b"", b"hello", b"[" * 20_000):
                stranger.send(
                    settings.kafka_topic_facts,
                    key=b"k",
                    value=body,
                    headers=headers,
                    partition=slot,
                )
    stranger.close(timeout=10)
    with relay(settings), worker(settings):
        wait_for(shop, shop.pay("ada", "o2", 2))
    assert shop.connection.execute("select from views.trouble").rowcount == 0
    assert shop.verify().different == 0


def test_records_that_the_client_cannot_take_apart_stop_nobody(
    shop: Shop, settings: Settings
) -> None:
    assert settings.kafka_bootstrap is not None
    stranger = producer(settings)
    for slot in range(SLOTS):
        headers = [(NoText("x"), b"y")]
        stranger.send(settings.kafka_topic_facts, value=b"x", headers=headers, partition=slot)
    stranger.flush(timeout=10)
    with relay(settings), worker(settings):
        wait_for(shop, shop.pay("ada", "o1", 1))
        stranger.send(settings.kafka_topic_facts, value=b"x", headers=headers, partition=0)
        stranger.close(timeout=10)
        wait_for(shop, shop.pay("ada", "o2", 2))
    assert shop.verify().different == 0


def test_a_fact_whose_record_is_broken_is_read_from_the_log(shop: Shop, settings: Settings) -> None:
    assert settings.kafka_bootstrap is not None
    shop.pay("ada", "o1", 1)
    adopted = shop.adopt(30)
    ours = str(shop.reader.incarnation())
    stranger = producer(settings)
    for row in shop.reader.raw(0, adopted):
        slots = range(SLOTS) if row[8] is None else [slot_of(row[8], SLOTS)]
        for slot in slots:
            for body in (None, b"hello", b"[" * 20_000, b'{"amount": []}'):
                stranger.send(
                    settings.kafka_topic_facts,
                    key=b"k",
                    value=body,
                    headers=facts_topic.headers_of(row, 0, ours),
                    partition=slot,
                )
    stranger.close(timeout=10)
    with relay(settings), worker(settings):
        wait_for(shop, shop.pay("bob", "o3", 3))
        assert shop.connection.execute("select from views.trouble").rowcount == 0
    assert shop.verify().different == 0


def test_a_record_in_anothers_partition_moves_no_slot(shop: Shop, settings: Settings) -> None:
    assert settings.kafka_bootstrap is not None
    own = slot_of(shop.user("ada"), SLOTS)
    shop.pay("ada", "o1", 1)
    last = shop.pay("ada", "o2", 2)
    ours = str(shop.reader.incarnation())
    stranger = producer(settings)
    for row in shop.reader.raw(last - 1, 1):
        for slot in set(range(SLOTS)) - {own}:
            stranger.send(
                settings.kafka_topic_facts,
                value=row[15],
                headers=facts_topic.headers_of(row, 0, ours),
                partition=slot,
            )
    stranger.close(timeout=10)
    with relay(settings), worker(settings):
        wait_for(shop, shop.pay("bob", "o3", 3))
    assert shop.verify().different == 0


def test_a_fact_that_cannot_be_read_stops_its_slot_alone(shop: Shop, settings: Settings) -> None:
    stuck = slot_of(shop.user("ada"), SLOTS)
    poison = shop.pay("ada", "o1", 1)
    shop.pay("ada", "o2", 2)
    change = "update log.fact set type_version = %s where position = %s"
    with connect(shop.url) as owner:
        owner.execute(change, (9, poison))
    last = [shop.pay(f"user{n}", f"p{n}", n) for n in range(30)][-1]
    places = "select slot, position from huike.checkpoint"
    with relay(settings), worker(settings):
        eventually(
            lambda: {p >= last for s, p in shop.connection.execute(places) if s != stuck} == {True},
            "the others go on",
        )
        found = shop.connection.execute("select slot, position from views.trouble")
        assert found.fetchall() == [(stuck, poison)]
        assert dict(shop.connection.execute(places).fetchall())[stuck] < poison
    with connect(shop.url) as owner:
        owner.execute(change, (1, poison))
    later = settings.model_copy(update={"kafka_topic_facts": f"facts-{uuid4().hex}"})
    make_topics(later, replicas=1)
    with relay(later), worker(later):
        wait_for(shop, shop.pay("ada", "o3", 3))
    assert shop.connection.execute("select from views.trouble").rowcount == 0
    assert shop.verify().different == 0


def test_what_a_topic_lacks_is_read_from_the_log(shop: Shop, settings: Settings) -> None:
    with relay(settings):
        last = shop.reader.head().position
        for n in range(40):
            last = shop.pay(f"user{n % 7}", f"o{n}", n)
        eventually(lambda: published(shop) >= last, "the relay publishes")
    other = settings.model_copy(update={"kafka_topic_facts": f"wiped-{uuid4().hex}"})
    make_topics(other, replicas=1)
    with relay(other), worker(other):
        wait_for(shop, shop.pay("ada", "p1", 1))
    assert shop.verify().different == 0


def test_two_workers_share_the_slots_and_one_takes_over(shop: Shop, settings: Settings) -> None:
    with relay(settings), process(settings) as first:
        wait_for(shop, shop.pay("ada", "o1", 1))
        with worker(settings):
            for n in range(40):
                shop.pay(f"user{n}", f"o{n}", n)
            wait_for(shop, shop.reader.head().position)
            first.kill()
            for n in range(40):
                shop.pay(f"user{n}", f"p{n}", n)
            wait_for(shop, shop.reader.head().position)
            assert position(shop) > 0
    assert shop.verify().different == 0


def published(shop: Shop) -> int:
    with connect(shop.url, WRITER) as connection:
        row = connection.execute("select position from log.relay").fetchone()
    return row[0] if row else 0
