"""Adopting a policy at a million customers: answers at once, rows when they are moved, live lag."""

import http.client
import time
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from infra import clock
from projections import catalogue
from projections.lifecycle import queries
from projections.lifecycle.answers import Standing
from tests.bench.ground import Ground
from tests.bench.load import Load, Publish, Published
from tests.bench.measure import Figure, Measure, Side, at_least, at_most
from tests.bench.measures.fresh import ages
from tests.bench.million import Million
from tests.bench.watch import Watch

RATE: Final = 300
"""Events a second that come in meanwhile."""
SECONDS: Final = 5
BATCH: Final = 10

_PATIENCE: Final = 400.0
_LOOK_SECONDS: Final = 0.25
_LEFT: Final = (
    "select exists (select from huike.checkpoint "
    "where view = 'lifecycle' and (position < %s or walked is not null))"
)


class NotMoved(Exception):
    """Rows are still told by the old policy after a long time."""


def run(ground: Ground) -> list[Figure]:
    shop = ground.million
    shop.follow("log")
    ground.say(f"adopting a policy at {shop.customers:,} customers")
    some = [shop.customer(n) for n in range(shop.customers - ground.size(500, 20), shop.customers)]
    with ground.publisher() as publish, Watch(shop.url, list(catalogue.VIEWS)) as watch:
        live = Live(ground, shop, publish)
        began = time.monotonic()
        position = _adopt(shop, silent=60)
        shop.reach(position)
        at = clock.now()
        answers = _standings(shop, some, at)
        moved = _until_moved(shop, position, live)
        loads = live.stop()
        shop.reach(loads[-1].position)
        time.sleep(0.1)
    later = _standings(shop, some, at)
    shop.reach(_adopt(shop, silent=75))
    with shop.running.paused():
        counted = _counted(shop, clock.now())
    right = sum(a == b for a, b in zip(answers, later, strict=True)) / len(some)
    about = f"a policy adopted at {shop.customers:,} customers"
    return [
        Figure(
            name="policy-moved",
            about=f"{about}: until every row is told by it",
            unit="s",
            ours=Side((moved - began,)),
            goals=at_most(60),
        ),
        Figure(
            name="policy-right",
            about=f"{about}: of {len(some)} customers, answered at once as when all are moved",
            unit="%",
            ours=Side((right * 100,)),
            goals=at_least(100),
        ),
        Figure(
            name="policy-lag",
            about=f"{about}: the longest that a live event took to all views, {RATE} events/s",
            unit="ms",
            ours=Side((max(age for load in loads for age in ages(shop, load, watch)),)),
            goals=at_most(1_000),
        ),
        Figure(
            name="policy-counts",
            about=f"{about}: how long counting all by stage and tier takes before rows are moved, "
            "while nothing else runs",
            unit="ms",
            ours=Side((counted,)),
        ),
    ]


class Live:
    """Events of customers that go on coming in, a few seconds' at a time."""

    def __init__(self, ground: Ground, shop: Million, publish: Publish) -> None:
        self._rate = ground.size(RATE, 100)
        self._seconds = ground.size(SECONDS, 1)
        self._shop = shop
        self._publish = publish
        self._done: list[Published] = []
        publish(self._load()).result()  # warms up
        self._now = publish(self._load())

    def go_on(self) -> None:
        if self._now.done():
            self._done.append(self._now.result())
            self._now = self._publish(self._load())

    def stop(self) -> list[Published]:
        """Return everything that was published."""
        return [*self._done, self._now.result()]

    def _load(self) -> Load:
        return Load(
            address=self._shop.address,
            key=self._shop.key,
            seed=f"policy-{clock.now().timestamp()}",
            count=self._rate * self._seconds // BATCH,
            customers=self._shop.customers // 2,  # those who are asked about keep still
            batch=BATCH,
            rate=self._rate,
        )


def _adopt(shop: Million, *, silent: int) -> int:
    """Adopt another policy over HTTP; return its fact's position."""
    connection = http.client.HTTPConnection(urlsplit(shop.address).netloc, timeout=30)
    policy = {"silent_after_days": silent, "lost_after_days": 120, "high_value": "800"}
    headers = {
        "Authorization": f"Bearer {shop.key}",
        "Content-Type": "application/json",
    }
    connection.request("PUT", "/api/lifecycle/policy", msgspec.json.encode(policy), headers)
    response = connection.getresponse()
    said = response.read()
    connection.close()
    assert response.status == http.client.ACCEPTED, said
    return int(response.headers["X-Position"])


def _standings(shop: Million, some: list[UUID], at: datetime) -> list[Standing | None]:
    with shop.connect() as connection:
        return [queries.customer(connection, customer, at) for customer in some]


def _counted(shop: Million, at: datetime) -> float:
    began = time.perf_counter()
    with shop.connect() as connection:
        queries.counts(connection, at)
    return (time.perf_counter() - began) * 1000


def _until_moved(shop: Million, position: int, live: Live) -> float:
    """Keep the load up until no row is told by an older policy; return when that was."""
    began = time.monotonic()
    with shop.connect() as connection:
        while connection.execute(_LEFT, (position,)).fetchone() == (True,):
            if time.monotonic() - began > _PATIENCE:
                raise NotMoved(NotMoved.__doc__)
            live.go_on()
            time.sleep(_LOOK_SECONDS)
    return time.monotonic()


MEASURE: Final = Measure(
    "policy", "adopting a policy at a million customers while events come in", run, 1.5
)
