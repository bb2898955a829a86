"""Many clients, each with one command at a time, until it is durable; the library's save too."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from statistics import quantiles
from threading import Barrier, Thread
from typing import Final
from uuid import uuid4

from commands.application import Crm
from commands.customer import RegisterCustomer
from domain.shared.ids import Ids
from domain.shared.log import Actor
from infra import clock
from infra.event_store.factory import LogFactory
from tests.bench import library
from tests.bench.ground import Ground
from tests.bench.measure import (
    ROUNDS,
    Figure,
    Measure,
    Side,
    at_most,
    in_turn,
    ratio_at_least,
)

CLIENTS: Final = 64

_ACTOR: Final = Actor("key", "bench")


class Clients:
    """Threads that each do one thing after the other, and how long every one took."""

    def __init__(self, count: int, each: int, deed: Callable[[], object]) -> None:
        self._count = count
        self._each = each
        self._deed = deed
        self.p50: list[float] = []
        self.p99: list[float] = []

    def __call__(self, number: int) -> float:
        """Return how many were done in a second."""
        took: list[float] = []
        start = Barrier(self._count + 1)

        def client() -> None:
            mine = []
            start.wait()
            for _ in range(self._each):
                began = time.perf_counter()
                self._deed()
                mine.append(time.perf_counter() - began)
            took.extend(mine)

        threads = [Thread(target=client) for _ in range(self._count)]
        for thread in threads:
            thread.start()
        start.wait()
        began = time.perf_counter()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - began
        assert len(took) == self._count * self._each
        if number:
            cuts = quantiles(took, n=100)
            self.p50.append(cuts[49] * 1000)
            self.p99.append(cuts[98] * 1000)
        return len(took) / seconds


def run(ground: Ground) -> list[Figure]:
    count = ground.size(CLIENTS, 4)
    with ExitStack() as stack:
        log = ground.log(ground.database(), stack)
        crm = Crm(LogFactory(log), log, Ids(b"bench"), clock.now)
        application = stack.enter_context(library.application(ground.database(migrated=False)))

        def register() -> None:
            crm.dispatch(
                RegisterCustomer(customer=uuid4()), actor=_ACTOR, shop="shop", source="desk"
            )

        ours = Clients(count, ground.size(150, 5), register)
        theirs = Clients(
            count, ground.size(25, 5), lambda: application.save(library.Customer(name="ada"))
        )
        mine, other = in_turn(ours, theirs, rounds=ground.size(ROUNDS, 1), warm_up=True)
    about = f"commands of {count} clients, each one at a time"
    against = "eventsourcing's Application.save of as many threads"
    return [
        Figure(
            name="commands",
            about=about,
            unit="commands/s",
            ours=mine,
            against=other,
            other=against,
            goals=ratio_at_least(8),
        ),
        *(
            Figure(
                name=f"commands-{name}",
                about=f"time of a command, {name}",
                unit="ms",
                ours=Side(tuple(a)),
                against=Side(tuple(b)),
                other=against,
                goals=at_most(100) if name == "p99" else (),
            )
            for name, a, b in (("p50", ours.p50, theirs.p50), ("p99", ours.p99, theirs.p99))
        ),
    ]


MEASURE: Final = Measure(
    "commands", f"{CLIENTS} concurrent commands, against the eventsourcing library's save", run, 0.5
)
