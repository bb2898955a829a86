"""A customer by id: the query against its bare SELECT, the route against a bare route."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from projections.profile import queries
from projections.profile.answers import COLUMNS
from tests.bench.ground import Ground, unused_port
from tests.bench.measure import ROUNDS, Figure, Goal, Measure, in_turn
from tests.bench.processes import Process
from tests.bench.shop import Shop

_MICRO: Final = 1e6


def run(ground: Ground) -> list[Figure]:
    shop = ground.shop
    assert shop.served
    return [_query(ground, shop), _route(ground, shop)]


def _each(count: int, shop: Shop, ask: Callable[[UUID], object]) -> Callable[[int], float]:
    """Return a side that asks about one customer after the other: the median, in microseconds."""

    def side(_number: int) -> float:
        customers = shop.some_customers(count)
        took = []
        for customer in customers:
            began = time.perf_counter()
            ask(customer)
            took.append(time.perf_counter() - began)
        return median(took) * _MICRO

    return side


def _query(ground: Ground, shop: Shop) -> Figure:
    ground.say("customers by id, from Postgres")
    select = f"select {', '.join(COLUMNS)} from huike.profile where customer = %s".encode()  # noqa: S608  # constant columns
    count = ground.size(5_000, 20)
    with shop.connect() as connection:
        ours, bare = in_turn(
            _each(count, shop, lambda c: queries.by_id(connection, c)),
            _each(count, shop, lambda c: connection.execute(select, (c,), binary=True).fetchone()),
            rounds=ground.size(ROUNDS, 1),
            warm_up=True,
        )
    return Figure(
        name="ask-query",
        about="a customer by id, from Postgres",
        unit="us",
        ours=ours,
        against=bare,
        other="the same SELECT, its row taken as it is",
        goal=Goal("ratio", "at most", 1.5),
    )


def _route(ground: Ground, shop: Shop) -> Figure:
    ground.say("customers by id, over HTTP")
    count = ground.size(3_000, 20)
    with (
        _bare_server(ground) as bare,
        _asking(shop.address, "/api/customers/", shop.key) as ask_ours,
        _asking(bare, "/bare/", shop.key) as ask_bare,
    ):
        ours, constant = in_turn(
            _each(count, shop, ask_ours),
            _each(count, shop, ask_bare),
            rounds=ground.size(ROUNDS, 1),
            warm_up=True,
        )
    return Figure(
        name="ask-route",
        about="GET of a customer by id, one after the other on one connection",
        unit="us",
        ours=ours,
        against=constant,
        other="a bare FastAPI route that answers a constant",
        goal=Goal("ratio", "at most", 2),
    )


@contextmanager
def _asking(address: str, path: str, key: str) -> Iterator[Callable[[UUID], object]]:
    """Yield a client as lean as can be: one connection, one write, one read."""
    where = urlsplit(address)
    headers = f"Host: {where.netloc}\r\nAuthorization: Bearer {key}\r\n\r\n"
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def ask(customer: UUID) -> bytes:
            connection.sendall(f"GET {path}{customer} HTTP/1.1\r\n{headers}".encode())
            answer = b""
            while not answer.endswith(b"}"):
                answer += connection.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 200"), answer
            return answer

        yield ask


@contextmanager
def _bare_server(ground: Ground) -> Iterator[str]:
    port = unused_port()
    output = ground.folder / "bare"
    with Process("tests.bench.bare", str(port), environment={}, output=output) as server:
        server.answers(port, f"/bare/{UUID(int=0)}")
        yield f"http://127.0.0.1:{port}"


MEASURE: Final = Measure(
    "ask", "a customer by id, against the bare SELECT and against a bare route", run
)
