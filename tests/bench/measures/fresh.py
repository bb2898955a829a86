"""One event until its customer's profile shows it, at a steady rate, by the log and by Kafka."""

import time
from collections.abc import Iterator
from typing import Final

from projections.projection import slot_of
from tests.bench.ground import Ground
from tests.bench.load import Load, Publish, Published
from tests.bench.measure import Figure, Measure, Side, at_most, share
from tests.bench.running import Feed
from tests.bench.shop import Shop
from tests.bench.watch import Watch

RATE: Final = 3_000
"""Events a second."""
BATCH: Final = 10
CONNECTIONS: Final = 8
ROUNDS: Final = 3

_ONE_LOOK_MORE: Final = 0.1
_GOALS: Final[dict[Feed, dict[str, float]]] = {
    "log": {"p50": 50, "p99": 250},
    "kafka": {"p50": 100, "p99": 500},
}


def run(ground: Ground) -> Iterator[Figure]:
    feeds: list[Feed] = ["log"] if ground.kafka is None else ["log", "kafka"]
    with ground.publisher() as publish:
        for feed in feeds:
            yield from _by(ground, publish, feed)


def _by(ground: Ground, publish: Publish, feed: Feed) -> list[Figure]:
    shop = ground.shop
    shop.follow(feed)
    ground.say(f"{RATE:,} events a second, followed by {feed}")
    seconds = ground.size(12, 1)
    rounds = []
    for number in range(ground.size(ROUNDS, 1) + 1):
        load = Load(
            address=shop.address,
            key=shop.key,
            seed=f"fresh-{feed}-{number}",
            count=ground.size(RATE, 200) // BATCH * (seconds if number else 1),
            customers=shop.customers,
            batch=BATCH,
            connections=CONNECTIONS,
            rate=ground.size(RATE, 200),
        )
        with Watch(shop.url, ["profile"]) as watch:
            published = publish(load).result()
            shop.reach(published.position)
            time.sleep(_ONE_LOOK_MORE)
        if number:
            rounds.append(ages(shop, published, watch))
    return [
        Figure(
            name=f"fresh-{feed}-{name}",
            about=f"from sending an event until its profile shows it, {RATE:,} events/s, {name}",
            unit="ms",
            ours=Side(tuple(share(ages, part) for ages in rounds)),
            goals=at_most(_GOALS[feed][name]),
        )
        for name, part in (("p50", 0.5), ("p99", 0.99))
    ]


def ages(shop: Shop, published: Published, watch: Watch) -> list[float]:
    """Return how many milliseconds passed from when an event was to be sent until it showed."""
    slots = shop.settings.slots
    driven = published.driven
    found = []
    for number, due, position in zip(driven.requests, driven.due, driven.positions, strict=True):
        for customer in published.customers[number]:
            shown = watch.reached(slot_of(shop.customer(customer), slots), position)
            if shown is None:
                msg = "an event did not show while it was watched for"
                raise LookupError(msg)
            found.append((shown - due) * 1000)
    return found


MEASURE: Final = Measure(
    "fresh", "one event until it is readable in the profile, at 3,000 events/s", run, 1.5
)
