"""The relay: every fact of the log, in order for each slot, to Kafka; one is active at a time."""

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from time import monotonic
from typing import Any, Final

import psycopg
import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError

from domain.activity.events import BEHAVIOUR
from domain.shared.log import Head
from infra import facts_topic
from infra.event_store import LogReader
from infra.kafka import partitions_of, producer
from infra.postgres import WRITER, Connection, connect, connect_impatient
from infra.settings import Settings
from projections.projection import slot_of

_LOCK: Final = 4_851_103
_CHUNK: Final = 2_000
_FLUSH_SECONDS: Final = 40.0
_FORGET: Final = "set idle_session_timeout to '45s'"
"""Longer than a flush: a session that stalled must not hold the lock for ever."""
_STANDBY_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.2
_TICK_SECONDS: Final = 2.0
"""How often idle slots are told that time has passed."""

log = structlog.get_logger()


class WrongTopic(Exception):
    """The topic of facts has one partition a slot: `huike topics` makes it where it is missing."""


class Refilling(Exception):
    """Somebody asked for the topic to be filled again: begin at the beginning of the log."""


class Place:
    """How far Kafka has come: the last position, and the last record's of each slot."""

    def __init__(self, position: int, previous: list[int]) -> None:
        self.position = position
        self.previous = previous


class Relay:
    """Publishes until it is stopped; what Kafka has not taken for certain is published again."""

    def __init__(self, settings: Settings, published: Callable[[int], None] | None = None) -> None:
        """Tell `published` each position that Kafka has taken."""
        assert settings.log_url is not None
        self._url = settings.log_url
        self._settings = settings
        self._topic = settings.kafka_topic_facts
        self._slots = settings.slots
        self._published = published or (lambda _: None)
        self._incarnation = ""

    def run(self, stop: threading.Event) -> None:
        """Be the active relay, or stand by for it; begin again when a server is lost."""
        pause = 0.1
        while not stop.is_set():
            try:
                with closing(connect_impatient(self._url, WRITER)) as connection:
                    connection.execute(_FORGET)
                    taken = connection.execute("select pg_try_advisory_lock(%s)", (_LOCK,))
                    if taken.fetchone() == (True,):
                        log.info("relay.active", topic=self._topic)
                        self._relay(connection, stop)
                        pause = 0.1
                        continue
                stop.wait(_STANDBY_SECONDS)
            except Refilling:
                log.info("relay.refilling", topic=self._topic)
            except (psycopg.OperationalError, KafkaError, TimeoutError) as error:
                log.warning("relay.lost", error=str(error), again_in=pause)
                stop.wait(pause)
                pause = min(pause * 2, 5.0)

    def _relay(self, connection: Connection, stop: threading.Event) -> None:
        partitions = partitions_of(self._settings, self._topic)
        if partitions != self._slots:
            raise WrongTopic(f"{self._topic} has {partitions} partitions, not {self._slots}")
        reader = LogReader(self._url, None, pool_size=1)
        out = producer(self._settings)
        try:
            self._incarnation = str(reader.incarnation())
            place = self._resume(connection)
            connection.execute("listen huike_log")
            ticked = 0.0
            while not stop.is_set():
                head = reader.head()
                rows = reader.raw(place.position, _CHUNK)
                if rows:
                    self._take(connection, out, place, self._send(out, place, rows), rows[-1][0])
                    continue
                now = monotonic()
                behind = min(place.previous) < place.position
                if behind or now - ticked >= _TICK_SECONDS:
                    self._take(connection, out, place, self._tick(out, place, head), place.position)
                    ticked = now
                for _ in connection.notifies(timeout=_LOOK_SECONDS, stop_after=1):
                    pass
        finally:
            out.close(timeout=5)
            reader.close()

    def _resume(self, connection: Connection) -> Place:
        row = connection.execute("select position, previous from log.relay").fetchone()
        if row is not None and len(row[1]) == self._slots:
            return Place(row[0], list(row[1]))
        place = Place(0, [0] * self._slots)
        if row is not None:  # another number of slots: another topic, from the beginning
            connection.execute(
                "update log.relay set position = 0, previous = %s, moved_at = clock_timestamp()",
                (place.previous,),
            )
        return place

    def _send(self, out: KafkaProducer, place: Place, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        futures = []
        for row in rows:
            subject = row[8]
            for slot in self._slots_of(row):
                futures.append(
                    out.send(
                        self._topic,
                        value=row[15],
                        key=str(subject or row[1]).encode(),
                        headers=facts_topic.headers_of(
                            row, place.previous[slot], self._incarnation
                        ),
                        partition=slot,
                        timestamp_ms=int(row[10].timestamp() * 1000),
                    )
                )
                place.previous[slot] = row[0]
        return futures

    def _slots_of(self, row: tuple[Any, ...]) -> Sequence[int]:
        """Return where a fact goes: to its customer's slot, nobody's to all but for behaviour."""
        subject, stream, kind = row[8], row[1], row[3]
        if subject is None and not kind.startswith(BEHAVIOUR):
            return range(self._slots)
        return (slot_of(subject or stream, self._slots),)

    def _tick(self, out: KafkaProducer, place: Place, head: Head) -> list[Any]:
        """Tell every slot that it has all up to the head, and that time has passed."""
        futures = []
        for slot in range(self._slots):
            headers = facts_topic.watermark(
                place.position, place.previous[slot], head.clock, self._incarnation
            )
            futures.append(out.send(self._topic, value=b"", headers=headers, partition=slot))
            place.previous[slot] = place.position
        return futures

    def _take(
        self,
        connection: Connection,
        out: KafkaProducer,
        place: Place,
        futures: list[Any],
        position: int,
    ) -> None:
        """Wait until Kafka has taken everything, then remember that it has.

        Raises KafkaError, and Refilling when the place that was remembered is not ours any more.
        """
        out.flush(timeout=_FLUSH_SECONDS)
        for future in futures:
            future.get(timeout=1)
        moved = connection.execute(
            "insert into log.relay (position, previous) values (%s, %s) "
            "on conflict (one) do update set position = excluded.position, "
            "previous = excluded.previous, moved_at = clock_timestamp() "
            "where relay.position = %s",
            (position, place.previous, place.position),
        )
        if moved.rowcount == 0:
            raise Refilling
        place.position = position
        self._published(position)


def fill_again(log_url: str) -> int:
    """Have the topic of facts filled from the log's beginning; return up to which position.

    The active relay notices it within seconds, one that does not run at its start.
    """
    with closing(connect(log_url, WRITER)) as connection:
        connection.execute(
            "update log.relay set position = 0, previous = array_fill(0::bigint, "
            "array[cardinality(previous)]), moved_at = clock_timestamp()"
        )
        row = connection.execute("select coalesce(max(position), 0) from log.batch").fetchone()
    assert row is not None
    return int(row[0])
