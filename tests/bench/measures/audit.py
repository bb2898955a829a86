"""Proving that nobody touched the history: `huike audit verify` over a log of a million facts."""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Final

from infra.event_store.chain import Mark, follow
from infra.event_store.codec import COLUMNS
from infra.postgres import WRITER, Connection, connect
from tests.bench.ground import Ground
from tests.bench.measure import ROUNDS, Figure, Measure, at_least, in_turn
from tests.bench.measures import append

_PORTION: Final = 50_000
"""Facts that are appended at once."""

_READ: Final = f"copy (select {COLUMNS} from log.fact order by position) to stdout (format binary)"  # noqa: S608  # a constant


def run(ground: Ground) -> list[Figure]:
    facts = ground.part(1_000_000, 400)
    url = ground.database()
    with ExitStack() as stack:
        with ExitStack() as writing:
            log = ground.log(url, writing)
            portion = min(facts, _PORTION)
            add = append.into(log, portion)
            for number in range(facts // portion):
                ground.say(f"a log of {facts:,} facts: {number * portion:,}")
                add(number)
        connection = stack.enter_context(closing(connect(url, WRITER)))
        ours, against = in_turn(
            _verify(connection, portion * (facts // portion)),
            _read(connection),
            rounds=ground.size(ROUNDS, 1),
            warm_up=True,
        )
    return [
        Figure(
            name="audit-verify",
            about=f"a chain over {facts:,} facts of {append.BYTES} bytes made again and compared",
            unit="facts/s",
            ours=ours,
            against=against,
            other="reading the same rows, in the same form, and no more",
            goals=at_least(100_000),
        )
    ]


def _verify(connection: Connection, facts: int) -> Callable[[int], float]:
    def side(_number: int) -> float:
        began = time.perf_counter()
        end = follow(connection)
        took = time.perf_counter() - began
        assert isinstance(end, Mark)
        assert end.position == facts
        return facts / took

    return side


def _read(connection: Connection) -> Callable[[int], float]:
    def side(_number: int) -> float:
        began = time.perf_counter()
        with connection.cursor().copy(_READ) as rows:
            count = sum(1 for _ in rows)
        return count / (time.perf_counter() - began)

    return side


MEASURE: Final = Measure(
    "audit", "making the chain of the whole log again, against reading its rows", run, 2
)
