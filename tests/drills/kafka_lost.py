"""Kafka is stopped, killed, and comes back without anything it held."""

import json
import time
from contextlib import closing

from kafka import KafkaConsumer, TopicPartition

from infra import facts_topic
from infra.dev.kafka import EmbeddedKafka
from infra.kafka import client, producer
from infra.settings import Settings
from tests.cli.running import Installation, await_that, track
from tests.drills.drill import Drill, Findings
from tests.drills.ground import Ground, settings_of
from tests.drills.load import Load
from tests.drills.looking import head, look, recorded, settle

Told = tuple[int, int, bool]
"""A record's position, that of the record before it in its slot, whether it is a fact."""

STOPPED_SECONDS = 60
_READ_MS = 20_000
_SENT_SECONDS = 60


def run(ground: Ground, found: Findings) -> None:
    """Publish by HTTP the whole time, by Kafka whenever it is there."""
    kafka = ground.own_kafka()
    installation = ground.installation(**ground.with_kafka(kafka.bootstrap))
    with installation.up():
        settings = settings_of(installation)
        pause = 0.5 if ground.short else 0.1
        with Load(installation.url, installation.key("ingest"), pause=pause) as load:
            by_kafka = publish(settings, "first", 30)
            _await_recorded(settings, by_kafka, installation)
            if not ground.short:
                _stop(kafka, load, found)
                settle(settings)
                kafka.kill()
                kafka.start()
                found.note("killed, and started again")
                by_kafka |= publish(settings, "second", 30)
                _await_recorded(settings, by_kafka, installation)
                settle(settings)
                _look_at_topic(found, settings, "after a stop and a kill")
            kafka.wipe()
            kafka.start()
            found.note("killed, its data removed, started again as a new broker")
            _fill(installation, found)
            by_kafka |= publish(settings, "third", 90)
            _await_recorded(settings, by_kafka, installation)
        await_that(lambda: _published(settings) >= head(settings), installation.told, 180)
        _look_at_topic(found, settings, "filled again")
        load.accepted |= by_kafka
        look(found, settings, [load])
        doctor = installation.run("doctor")
        found.claim("`huike doctor` finds nothing to mend", held=doctor.returncode == 0)


def _stop(kafka: EmbeddedKafka, load: Load, found: Findings) -> None:
    kafka.stop()
    before = len(load.accepted)
    time.sleep(STOPPED_SECONDS)
    meanwhile = len(load.accepted) - before
    found.note(f"Kafka was stopped for {STOPPED_SECONDS} s")
    found.claim("events are accepted by HTTP meanwhile", held=meanwhile > 0, found=meanwhile)
    found.same(
        "answers by HTTP other than 200", sum(load.statuses.values()) - load.statuses["200"], 0
    )
    kafka.start()


def _fill(installation: Installation, found: Findings) -> None:
    filled = installation.run("topics", "--fill")
    found.same("exit status of `huike topics --fill`", filled.returncode, 0)
    for line in filled.stdout.strip().splitlines():
        found.note(line)


def publish(settings: Settings, name: str, events: int) -> set[str]:
    """Publish events to the shops' topic, until Kafka has them; return their ids."""
    names = set()
    with closing(producer(settings)) as shop:
        futures = []
        for number in range(events):
            event = track(number, f"by-kafka-{number % 10}") | {"messageId": f"{name}-{number}"}
            names.add(f"{name}-{number}")
            futures.append(
                shop.send(
                    settings.kafka_topic_in,
                    json.dumps(event).encode(),
                    headers=[("huike-source", b"site")],
                )
            )
        for future in futures:
            future.get(_SENT_SECONDS)
    return names


def _await_recorded(settings: Settings, names: set[str], installation: Installation) -> None:
    """Wait until what was published by Kafka is in the log."""
    await_that(lambda: recorded(settings, names) == len(names), installation.told, 120)


def _published(settings: Settings) -> int:
    """Return the last position that the topic of facts has in every slot."""
    return min((slot[-1][0] if slot else 0) for slot in _topic(settings))


def _topic(settings: Settings) -> list[list[Told]]:
    """Return each slot's records."""
    parts = [TopicPartition(settings.kafka_topic_facts, slot) for slot in range(settings.slots)]
    slots: list[list[Told]] = [[] for _ in parts]
    with closing(
        client(KafkaConsumer, settings, group_id=None, consumer_timeout_ms=_READ_MS)
    ) as consumer:
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends = consumer.end_offsets(parts)
        while any(consumer.position(part) < ends[part] for part in parts):
            for part, batch in consumer.poll(timeout_ms=1_000).items():
                for message in batch:
                    record = facts_topic.record_of(message.headers, message.value)
                    told = (record.position, record.previous, record.row is not None)
                    slots[part.partition].append(told)
    return slots


def _look_at_topic(found: Findings, settings: Settings, when: str) -> None:
    """Claim that the topic has every fact, in order in each slot, told anew at most as a whole."""
    await_that(lambda: _published(settings) > 0)
    last = head(settings)
    await_that(lambda: _published(settings) >= last, within=120)
    slots = _topic(settings)
    facts = {position for slot in slots for position, _, fact in slot if fact and position <= last}
    found.same(f"{when}: facts of the log that are in the topic", len(facts), last)
    found.same(f"{when}: records out of order in their slot", sum(map(disorder, slots)), 0)


def disorder(slot: list[Told]) -> int:
    """Count records since the last beginning that skip something, or come behind what is later.

    A record may be repeated. One that is new names its slot's last fact, or a watermark after it;
    where another slot did not take that watermark, the relay goes on from the fact in all of them.
    What a new broker takes before it is begun anew names what is missing before it.
    """
    begin = max(number for number, (_, previous, _) in enumerate(slot) if previous == 0)
    wrong, last_fact, reached, seen = 0, 0, 0, set[int]()
    for position, previous, fact in slot[begin:]:
        wrong += position not in seen and not last_fact <= previous <= reached <= position
        seen.add(position)
        reached = max(reached, position)
        last_fact = max(last_fact, position) if fact else last_fact
    return wrong


KAFKA = Drill(
    name="kafka",
    must_hold="While Kafka is stopped, killed and wiped, shops are answered by HTTP; the relay "
    "resumes in order, nobody skips a fact, and `huike topics --fill` fills the topic again.",
    run=run,
    kafka=True,
)
