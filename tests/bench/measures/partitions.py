"""What it costs that the log is partitioned by position: appending, and reading of one customer."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from statistics import median
from typing import Final
from uuid import UUID

from infra.event_store import EventLog
from infra.postgres import OWNER, connect
from tests.bench.asking import timed
from tests.bench.ground import Ground
from tests.bench.measure import ROUNDS, Figure, Measure, in_turn, ratio_at_least
from tests.bench.measures import append

MANY: Final = 200
"""Partitions: a log of a billion facts."""

_MICRO: Final = 1e6
_ASIDE: Final = "create table log.other (like log.fact including all)"
_NO_ROOM: Final = """
create or replace function log.ensure_room(head bigint, moment timestamptz) returns void
language sql security definer as ''
"""
_PART: Final = "create table log.part_{n} partition of log.other for values from ({a}) to ({b})"
_INSTEAD: Final = """
drop table log.fact;
alter table log.other rename to fact;
grant select, insert on log.fact to huike_writer
"""


def run(ground: Ground) -> list[Figure]:
    facts = ground.size(30_000, 400)
    rounds = ground.size(ROUNDS, 1)
    with ExitStack() as stack:
        logs = {
            parts: ground.log(_database(ground, parts, facts * (rounds + 1)), stack)
            for parts in (0, 1, MANY)
        }
        few, whole = in_turn(
            append.into(logs[1], facts),
            append.into(logs[0], facts),
            rounds=rounds,
            warm_up=True,
        )
        into_many = append.into(logs[MANY], facts)
        for number in range(rounds + 1):
            into_many(number)
        told, told_whole = in_turn(
            _read(ground, logs[MANY]), _read(ground, logs[0]), rounds=rounds, warm_up=True
        )
    return [
        Figure(
            name="partitions-append",
            about=f"facts appended in bulk, {facts:,} a round",
            unit="facts/s",
            ours=few,
            against=whole,
            other="the same into one table with the same columns and indexes",
            goals=ratio_at_least(0.95),
        ),
        Figure(
            name="partitions-read",
            about=f"all facts of one customer, from a log of {MANY} partitions",
            unit="us",
            ours=told,
            against=told_whole,
            other="the same from one table",
        ),
    ]


def _database(ground: Ground, parts: int, facts: int) -> str:
    """Make a log: in one table (0), as it is (1), or dealt over so many partitions."""
    url = ground.database()
    if parts == 1:
        return url
    with closing(connect(url, OWNER)) as owner:
        owner.execute(_NO_ROOM)
        if parts == 0:
            owner.execute(_ASIDE)
        else:
            owner.execute(f"{_ASIDE} partition by range (position)")
            size = facts // parts + 1
            for n in range(parts):
                owner.execute(_PART.format(n=n, a=n * size, b=(n + 1) * size).encode())
        owner.execute(_INSTEAD)
    return url


def _read(ground: Ground, log: EventLog) -> Callable[[int], float]:
    """Return what asks for everything about one customer after the other, as a replay does."""
    found = log.reader.read(0, ground.size(20_000, 400))
    customers = list({fact.origin for fact in found if fact.origin})[: ground.size(100, 3)]
    last = log.reader.last()

    def ask(customer: UUID) -> object:
        return log.reader.of_origins([customer], upto=last)

    return lambda _: median(timed(ask, customers)) * _MICRO


MEASURE: Final = Measure(
    "partitions", "what it costs that the log is partitioned by position", run, 0.5
)
