"""What each process holds in memory over a long load, against what it held early on."""

import time
from concurrent.futures import Future
from statistics import median
from typing import Final

from tests.bench.ground import Ground
from tests.bench.load import Load, Published
from tests.bench.measure import Figure, Goal, Measure, Side
from tests.bench.running import Feed
from tests.bench.shop import Shop

RATE: Final = 2_000
"""Events a second."""
BATCH: Final = 20

_MEGABYTE: Final = 1_000_000
_LOOK_SECONDS: Final = 1.0
_PART_SECONDS: Final = 30


class Ended(Exception):
    """A process ended under the load; the shop's output says why."""


def run(ground: Ground) -> list[Figure]:
    shop = ground.shop
    feed: Feed = "log" if ground.kafka is None else "kafka"
    shop.follow(feed)
    minutes = 0.03 if ground.quick else ground.sizes.minutes
    ground.say(f"{RATE:,} events a second for {minutes:g} minutes, followed by {feed}")
    held = _watch(ground, shop, minutes * 60)
    return [
        Figure(
            name=f"memory-{name}",
            about=f"resident memory of the {name} in the last tenth of {minutes:g} minutes "
            f"at {RATE:,} events/s, followed by {feed}",
            unit="MB",
            ours=Side((median(samples[-(len(samples) // 10 + 1) :]),)),
            against=Side((median(samples[len(samples) // 20 : len(samples) // 10 + 1]),)),
            other="itself before a tenth of the time had passed",
            goals=(Goal("ratio", "at most", 1.1), Goal("ours", "at most", 300)),
            note=f"at most {max(samples):,.0f} MB",
        )
        for name, samples in held.items()
    ]


def _watch(ground: Ground, shop: Shop, seconds: float) -> dict[str, list[float]]:
    """Return what each process held, in megabytes, second by second under the load."""
    held: dict[str, list[float]] = {name: [] for name in shop.running.processes}
    until = time.monotonic() + seconds
    part = 0
    with ground.publisher() as publish:
        under_way: Future[Published] | None = None
        while time.monotonic() < until:
            if under_way is None or under_way.done():
                if under_way is not None:
                    under_way.result()
                under_way = publish(_load(ground, shop, part))
                part += 1
            for name, process in shop.running.processes.items():
                if not process.alive:
                    raise Ended(f"{Ended.__doc__} ({name})")
                held[name].append(process.memory / _MEGABYTE)
            time.sleep(_LOOK_SECONDS)
        if under_way is not None:
            shop.reach(under_way.result().position)
    return held


def _load(ground: Ground, shop: Shop, part: int) -> Load:
    rate = ground.size(RATE, 100)
    seconds = ground.size(_PART_SECONDS, 1)
    return Load(
        address=shop.address,
        key=shop.key,
        seed=f"memory-{part}",
        count=rate * seconds // BATCH,
        customers=shop.customers,
        batch=BATCH,
        rate=rate,
    )


MEASURE: Final = Measure("memory", "what each process holds in memory over a long load", run, 20)
