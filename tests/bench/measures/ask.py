"""A customer by id among a million: against its bare SELECT, the route against a bare route."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Final
from uuid import UUID

from projections.profile import queries
from tests.bench.asking import asking, timed
from tests.bench.ground import Ground
from tests.bench.measure import (
    ROUNDS,
    Figure,
    Measure,
    Side,
    at_most,
    in_turn,
    ratio_at_most,
    share,
)
from tests.bench.million import Million
from tests.bench.processes import Process
from tests.ports import free_port

_MICRO: Final = 1e6
_MILLI: Final = 1e3


def run(ground: Ground) -> Iterator[Figure]:
    shop = ground.million
    shop.follow("log")
    yield _query(ground, shop)
    yield from _route(ground, shop)


def _query(ground: Ground, shop: Million) -> Figure:
    ground.say(f"customers by id among {shop.customers:,}, from Postgres")
    count = ground.size(5_000, 20)
    with shop.connect() as connection:

        def side(ask: Callable[[UUID], object]) -> Callable[[int], float]:
            return lambda _: median(timed(ask, shop.some_customers(count))) * _MICRO

        ours, bare = in_turn(
            side(lambda c: queries.by_id(connection, c)),
            side(lambda c: connection.execute(queries.BY_ID, (c,), binary=True).fetchone()),
            rounds=ground.size(ROUNDS, 1),
            warm_up=True,
        )
    return Figure(
        name="ask-query",
        about=f"a customer by id among {shop.customers:,}, from Postgres, median",
        unit="us",
        ours=ours,
        against=bare,
        other="the same SELECT, its row taken as it is",
        goals=ratio_at_most(1.2),
    )


def _route(ground: Ground, shop: Million) -> list[Figure]:
    ground.say(f"customers by id among {shop.customers:,}, over HTTP")
    count = ground.size(3_000, 20)
    slowest: list[float] = []
    with _bare_server(ground) as bare:

        def ask_all(address: str, path: str) -> list[float]:
            with asking(address, shop.key) as ask:  # servers end what was idle for a round
                return timed(ask, [f"{path}{c}" for c in shop.some_customers(count)])

        def ours(number: int) -> float:
            took = ask_all(shop.address, "/api/customers/")
            if number:
                slowest.append(share(took, 0.99) * _MILLI)
            return median(took) * _MICRO

        def constant(_number: int) -> float:
            return median(ask_all(bare, "/bare/")) * _MICRO

        mine, other = in_turn(ours, constant, rounds=ground.size(ROUNDS, 1), warm_up=True)
    about = f"GET of a customer by id among {shop.customers:,}, one after the other"
    return [
        Figure(
            name="ask-route",
            about=f"{about}, median",
            unit="us",
            ours=mine,
            against=other,
            other="a bare FastAPI route that answers a constant",
            goals=ratio_at_most(2),
        ),
        Figure(
            name="ask-route-p99",
            about=f"{about}, p99",
            unit="ms",
            ours=Side(tuple(slowest)),
            goals=at_most(10),
        ),
    ]


@contextmanager
def _bare_server(ground: Ground) -> Iterator[str]:
    port = free_port()
    output = ground.folder / "bare"
    database = ground.database(migrated=False)
    with Process("tests.bench.bare", str(port), database, environment={}, output=output) as server:
        server.answers(port, f"/bare/{UUID(int=0)}")
        yield f"http://127.0.0.1:{port}"


MEASURE: Final = Measure(
    "ask", "a customer by id among a million, against the bare SELECT and a bare route", run, 3
)
