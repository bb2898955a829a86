"""Views from Kafka: the group's assignment gives the slots, the log fills every gap."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import Any, Final

import structlog
from kafka import KafkaConsumer
from kafka.errors import CorruptRecordError

from consumers.keeper import Keeper
from consumers.packed import bound_unpacking
from domain.shared.events import Unreadable
from infra import facts_topic
from infra.event_store import LogReader
from infra.facts_topic import Record
from infra.kafka import client
from infra.settings import Settings
from projections.projection import slot_of
from projections.runtime.batch import Goal, Grouped, Place

GROUP: Final = "{topic}.views"
BATCH: Final = 4_000
"""Facts at a time: who is behind holds them in every view at once."""
FETCHED: Final = 8_388_608
"""Bytes at a time: who is behind is sent as much as that, and holds it several times over."""
POLL_MS: Final = 500
COMMIT_SECONDS: Final = 2.0
_SUBJECT: Final = 8
"""Where a row says whose it is."""

log = structlog.get_logger()


class Reach:
    """How far a slot gets with records alone, and (`gap`) up to where something is missing then."""

    def __init__(self, place: Place, records: Sequence[Record]) -> None:
        position, clock = place.position, place.clock
        self.gap: int | None = None
        for record in records:
            if record.position > position:
                if record.previous > position:
                    self.gap = record.previous
                    break
                position = record.position
            if record.position == position:
                clock = max(clock, record.clock)
        self.goal = Goal(position=position, clock=clock)


class KafkaFeed:
    """Follows the topic of facts. A slot is a partition; checkpoints rule, offsets are a hint."""

    def __init__(self, settings: Settings, keepers: Sequence[Keeper], reader: LogReader) -> None:
        self._reader = reader
        self._keepers = keepers
        self._incarnation = str(reader.incarnation())
        self._held: set[int] = set()
        self._committed = 0.0
        self._threads = ThreadPoolExecutor(len(keepers), "view")
        self._slots = settings.slots
        self.strange = 0
        bound_unpacking()
        self._consumer: Any = client(
            partial(KafkaConsumer, settings.kafka_topic_facts),
            settings,
            group_id=GROUP.format(topic=settings.kafka_topic_facts),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=6_000,
            heartbeat_interval_ms=1_500,
            request_timeout_ms=15_000,
            max_poll_records=BATCH,
            max_partition_fetch_bytes=1_048_576,
            fetch_max_bytes=FETCHED,
            allow_auto_create_topics=False,
        )

    def run(self, stop: threading.Event) -> None:
        """Go on until `stop` is set; a batch that was begun is finished."""
        busy = False
        try:
            while not stop.is_set():
                polled = self._poll(0 if busy else POLL_MS)
                self._hold()
                records = {
                    partition.partition: self._ours(partition.partition, batch)
                    for partition, batch in polled.items()
                }
                self.take({slot: found for slot, found in records.items() if found})
                busy = sum(keeper.sweep() for keeper in self._keepers) > 0  # every one of them
                self._commit()
        finally:
            self._threads.shutdown()
            self._consumer.close()

    def _poll(self, milliseconds: int) -> Mapping[Any, Iterable[Any]]:
        """Return what came. What the client cannot take apart is left, with all there is."""
        try:
            polled: Mapping[Any, Iterable[Any]] = self._consumer.poll(timeout_ms=milliseconds)
        except (CorruptRecordError, ValueError) as error:  # a header's name that is no text, say
            log.warning("views.unreadable-records", error=str(error))
            self._consumer.seek_to_end()  # the log fills the gap
            return {}
        return polled

    def _hold(self) -> None:
        slots = {partition.partition for partition in self._consumer.assignment()}
        if slots != self._held:
            log.info("views.slots", slots=sorted(slots))
            self._held = slots
        for keeper in self._keepers:
            keeper.hold(slots)

    def _ours(self, slot: int, batch: Iterable[Any]) -> list[Record]:
        """Return what records say, without those of another log or slot, and those that are none.

        Nothing is lost by that: the log fills every gap.
        """
        ours = []
        strange: list[int] = []
        for raw in batch:
            try:
                record = facts_topic.record_of(raw.headers, raw.value)
            except (KeyError, ValueError):
                strange.append(raw.offset)
                continue
            if record.incarnation != self._incarnation:
                continue
            whose = record.row and record.row[_SUBJECT]
            if whose and slot_of(whose, self._slots) != slot:
                strange.append(raw.offset)
                continue
            ours.append(record)
        if strange:
            self.strange += len(strange)
            log.warning(
                "views.not-a-fact",
                partition=slot,
                offset=strange[0],
                records=len(strange),
                since_start=self.strange,
            )
        return ours

    def take(self, records: Mapping[int, Sequence[Record]]) -> None:
        """Bring each view's slots to their last record; what is missing before is read."""
        if not records:
            return
        facts, records = self._read(records)

        def bring(keeper: Keeper) -> None:
            self._fill(keeper, records)
            goals = {}
            for slot, place in keeper.places().items():
                reach = Reach(place, records.get(slot, ()))
                if reach.goal.clock > place.clock or reach.goal.position > place.position:
                    goals[slot] = reach.goal
            keeper.apply(facts, goals)

        for _ in self._threads.map(bring, self._keepers):  # one waits while another folds
            pass

    def _read(
        self, records: Mapping[int, Sequence[Record]]
    ) -> tuple[Grouped, Mapping[int, Sequence[Record]]]:
        """Return the facts of records, and the records without those whose fact is unreadable.

        Whether a fact is so in the log too, or a record's body is broken, the log has to say.
        """
        rows = {r.position: r.row for batch in records.values() for r in batch if r.row is not None}
        facts = self._reader.facts_of([rows[position] for position in sorted(rows)])
        doubtful = {fact.position for fact in facts if isinstance(fact.event, Unreadable)}
        if not doubtful:
            return Grouped(facts), records
        log.warning("views.unreadable-facts", positions=sorted(doubtful)[:10])
        sure = {
            slot: [record for record in batch if record.position not in doubtful]
            for slot, batch in records.items()
        }
        return Grouped([fact for fact in facts if fact.position not in doubtful]), sure

    def _fill(self, keeper: Keeper, records: Mapping[int, Sequence[Record]]) -> None:
        """Read from the log what lies between a slot's place and records that it cannot reach."""
        while True:
            places = keeper.places()
            gaps = {
                slot: gap
                for slot, place in places.items()
                if (gap := Reach(place, records.get(slot, ())).gap)
            }
            if not gaps:
                return
            log.info("views.gap", view=keeper.view.name, slots=sorted(gaps))
            after = min(places[slot].position for slot in gaps)
            facts = self._reader.read(after, BATCH)
            goals = {}
            for slot, gap in gaps.items():
                upto = [f for f in facts if f.position <= gap]
                if upto and upto[-1].position > places[slot].position:
                    goals[slot] = Goal(position=upto[-1].position, clock=upto[-1].recorded_at)
            keeper.apply(facts, goals)
            if not goals or keeper.places() == places:
                return

    def _commit(self) -> None:
        now = monotonic()
        if self._held and now - self._committed > COMMIT_SECONDS:
            self._committed = now
            self._consumer.commit_async()
