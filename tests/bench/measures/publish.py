"""Batches over HTTP: accepted, which means durable, and then visible in every view."""

import time
from collections.abc import Iterator
from typing import Final

from projections import catalogue
from tests.bench.ground import Ground
from tests.bench.load import BATCH, CONNECTIONS, Load, Publish, Published
from tests.bench.measure import Figure, Measure, Side, at_least, in_turn
from tests.bench.running import Feed
from tests.bench.shop import Shop
from tests.bench.spent import Cpu, Meter, each, told

ROUNDS: Final = 3
_GOALS: Final[dict[Feed, float]] = {"log": 12_000, "kafka": 8_000}


def run(ground: Ground) -> Iterator[Figure]:
    shop = ground.shop
    feeds: list[Feed] = ["log"] if ground.kafka is None else ["log", "kafka"]
    with ground.publisher() as publish:
        for feed in feeds:
            yield from _by(ground, shop, publish, feed)


class Rounds:
    """Publishes with everything at work, and part by part; keeps what else was seen."""

    def __init__(
        self, shop: Shop, publish: Publish, batches: int, feed: Feed, kafka: str | None
    ) -> None:
        self._shop = shop
        self._publish = publish
        self._batches = batches
        self._feed = feed
        self._meter = Meter(shop.running, shop.url, kafka if feed == "kafka" else None)
        self.cpu: list[Cpu] = []
        self.accepted: list[float] = []
        self.accepted_alone: list[float] = []

    def together(self, number: int) -> float:
        """Return events a second, from the first request until every view shows the last fact."""
        before = self._meter.read()
        published = self._published("together", number)
        shown = self._shop.reach(published.position)
        if number:
            load = {
                "load": published.driven.cpu * (published.driven.ended - published.driven.began)
            }
            self.cpu.append(each(before, self._meter.read() | load, published.events))
            self.accepted.append(published.rate)
        return published.events / (shown - published.driven.began)

    def apart(self, number: int) -> float:
        """Return the same where those who follow wait until everything is accepted."""
        with self._shop.running.paused():
            published = self._published("apart", number)
        resumed = time.monotonic()
        following = self._shop.reach(published.position) - resumed
        if number:
            self.accepted_alone.append(published.rate)
        return published.events / (published.events / published.rate + following)

    def _published(self, how: str, number: int) -> Published:
        load = Load(
            address=self._shop.address,
            key=self._shop.key,
            seed=f"{self._feed}-{how}-{number}",
            count=self._batches if number else max(2, self._batches // 4),
            customers=self._shop.customers,
        )
        return self._publish(load).result()


def _by(ground: Ground, shop: Shop, publish: Publish, feed: Feed) -> list[Figure]:
    shop.follow(feed)
    ground.say(f"publishing, followed by {feed}")
    rounds = Rounds(shop, publish, ground.part(400, 4), feed, ground.kafka)
    visible, apart = in_turn(
        rounds.together, rounds.apart, rounds=ground.size(ROUNDS, 1), warm_up=True
    )
    about = f"events in batches of {BATCH} over {CONNECTIONS} connections"
    figures = [
        Figure(
            name=f"publish-{feed}",
            about=f"{about}, until all {len(catalogue.VIEWS)} views show them, by {feed}",
            unit="events/s",
            ours=visible,
            against=apart,
            other="the sum of its parts: accepted while nothing follows, then followed alone",
            goals=at_least(_GOALS[feed]),
            note=told(rounds.cpu),
        )
    ]
    if feed == "log":
        figures.insert(
            0,
            Figure(
                name="publish-accepted",
                about=f"{about}, answered and durable, while the views follow",
                unit="events/s",
                ours=Side(tuple(rounds.accepted)),
                against=Side(tuple(rounds.accepted_alone)),
                other="accepted while nothing follows",
                goals=at_least(20_000),
            ),
        )
    return figures


MEASURE: Final = Measure(
    "publish", "batches over HTTP until every view shows them, by the log and by Kafka", run, 1.5
)
