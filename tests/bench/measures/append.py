"""Bulk append: many facts through our log, through the library's recorder, and by bare COPY."""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import msgspec
from eventsourcing.persistence import StoredEvent

from domain.customer.events import TagAdded
from domain.shared.log import Actor, Append, Draft, Who
from infra.event_store import EventLog, codec
from infra.postgres import WRITER, connect
from tests.bench import library
from tests.bench.ground import Ground
from tests.bench.measure import ROUNDS, Figure, Measure, in_turn, ratio_at_least

BYTES: Final = 400
TAG: Final = "t" * (BYTES - len('{"tag":""}'))
BODY: Final = msgspec.json.encode(TagAdded(tag=TAG))
"""Of each fact, on every side."""

APPEND: Final = 50
LIBRARYS_BATCH: Final = 500
CUSTOMERS: Final = 1_000

_ACTOR: Final = Actor("key", "bench")
_FIELDS: Final = (3).to_bytes(2)
_VERSION: Final = (4).to_bytes(4) + (1).to_bytes(4)
_OCCURRED: Final = datetime(2026, 1, 1, tzinfo=UTC)


def run(ground: Ground) -> list[Figure]:
    facts = ground.size(50_000, 200)
    with ExitStack() as stack:
        ours, apiece, theirs, copied, copied_apiece = in_turn(
            into(ground.log(ground.database(), stack), facts),
            into(ground.log(ground.database(), stack), facts, apiece=True),
            _library(ground, facts, stack),
            _copy(ground, facts, stack),
            _copy(ground, facts, stack, apiece=True),
            rounds=ground.size(ROUNDS, 1),
            warm_up=True,
        )
    about = f"facts of {BYTES} bytes appended in bulk, {facts:,} a round, {APPEND} about one stream"
    return [
        Figure(
            name="append-library",
            about=about,
            unit="facts/s",
            ours=ours,
            against=theirs,
            other=f"eventsourcing's Postgres recorder, batches of {LIBRARYS_BATCH}",
            goals=ratio_at_least(3),
        ),
        Figure(
            name="append-copy",
            about=about,
            unit="facts/s",
            ours=ours,
            against=copied,
            other="one COPY of rows packed beforehand into the same table",
        ),
        Figure(
            name="append-copy-streams",
            about="the same, each fact in a stream of its own, as shops' messages are",
            unit="facts/s",
            ours=apiece,
            against=copied_apiece,
            other="such a COPY and one into the stream table, in one transaction",
            goals=ratio_at_least(0.6),
        ),
    ]


def _rate(count: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def into(log: EventLog, facts: int, *, apiece: bool = False) -> Callable[[int], float]:
    """Return what appends so many facts and tells facts a second.

    `apiece`: each in a stream of its own.
    """
    customers = [uuid4() for _ in range(CUSTOMERS)]

    def append(first: int) -> Append:
        drafts = tuple(
            Draft(
                event=TagAdded(tag=TAG),
                occurred_at=_OCCURRED,
                who=Who(user=customers[first // APPEND % CUSTOMERS]),
                stream=uuid4() if apiece else None,
            )
            for _ in range(first, min(first + APPEND, facts))
        )
        return Append(facts=drafts, actor=_ACTOR, shop="shop", source="erp")

    def side(_number: int) -> float:
        appends = [append(first) for first in range(0, facts, APPEND)]

        def work() -> None:
            for future in [log.submit(each) for each in appends]:
                future.result()

        return _rate(facts, work)

    return side


def _library(ground: Ground, facts: int, stack: ExitStack) -> Callable[[int], float]:
    recorder = stack.enter_context(library.recorder(ground.database(migrated=False)))
    customers = [uuid4() for _ in range(CUSTOMERS)]

    def side(number: int) -> float:
        version = number * facts
        events = [
            StoredEvent(customers[n // APPEND % CUSTOMERS], version + n, "shop:TagAdded", BODY)
            for n in range(facts)
        ]

        def work() -> None:
            for first in range(0, facts, LIBRARYS_BATCH):
                recorder.insert_events(events[first : first + LIBRARYS_BATCH])

        return _rate(facts, work)

    return side


def _copy(
    ground: Ground, facts: int, stack: ExitStack, *, apiece: bool = False
) -> Callable[[int], float]:
    connection = stack.enter_context(closing(connect(ground.database(), WRITER)))
    customers = [uuid4() for _ in range(CUSTOMERS)]
    who = {c: codec.uuid(c) * 2 for c in customers}
    type_ = codec.type_chunk("customer.tag-added", 1)
    source = codec.text("shop") + codec.text("erp")
    cause = codec.text("key") + codec.text("bench") + codec.text("") + codec.uuid(None)
    at = codec.microseconds(_OCCURRED)

    def copied(into: str, rows: bytes) -> None:
        with connection.cursor().copy(f"copy {into} from stdin (format binary)".encode()) as copy:
            copy.write(codec.COPY_HEADER + rows + codec.COPY_TRAILER)

    def side(number: int) -> float:
        first = number * facts + 1
        streams, rows = [], []
        for position in range(first, first + facts):
            customer = customers[position // APPEND % CUSTOMERS]
            stream = uuid4() if apiece else customer
            version = 1 if apiece else position
            rows.append(
                codec.pack_fact(
                    position, stream, version, type_, source, who[customer], at, at, cause, BODY
                )
            )
            if apiece:
                streams.append(_FIELDS + codec.uuid(stream) + _VERSION + codec.uuid(customer))
        packed, of_streams = b"".join(rows), b"".join(streams)

        def work() -> None:
            with connection.transaction():
                copied(f"log.fact ({codec.COLUMNS})", packed)
                if apiece:
                    copied("log.stream (id, version, origin)", of_streams)

        return _rate(facts, work)

    return side


MEASURE: Final = Measure(
    "append", "bulk append, against the eventsourcing library's recorder and against COPY", run, 0.5
)
