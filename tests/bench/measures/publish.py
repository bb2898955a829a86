"""Batches over HTTP: accepted, which means durable, and then visible in every view."""

import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Final

from infra.postgres import VIEWS
from projections import catalogue
from tests.bench import load
from tests.bench.ground import Ground
from tests.bench.measure import Figure, Goal, Measure, Side
from tests.bench.shop import Shop

ROUNDS: Final = 3
_LOOK_SECONDS: Final = 0.02
_PATIENCE: Final = 300.0


class NotVisible(Exception):
    """The views did not come as far as the log; the log of the worker says why."""


def run(ground: Ground) -> list[Figure]:
    shop = ground.shop
    events = ground.size(60_000, 400)
    assert shop.address
    ground.say("publishing")
    accepted, visible = [], []
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as another:
        for number in range(ground.size(ROUNDS, 1) + 1):
            publish = partial(
                load.publish,
                shop.address,
                shop.key,
                seed=f"live-{number}",
                events=events if number else events // 4,
                customers=shop.customers,
            )
            published = another.submit(publish).result()
            shown = _wait(shop, published.position)
            if number:  # the first warms up
                accepted.append(events / (published.answered - published.began))
                visible.append(events / (shown - published.began))
    about = f"events in batches of {load.BATCH} over {load.CONNECTIONS} connections"
    return [
        Figure(
            name="publish-visible",
            about=f"{about}, until all {len(catalogue.VIEWS)} views show them",
            unit="events/s",
            ours=Side(tuple(visible)),
            against=Side(tuple(accepted)),
            other="accepted: answered, and durable",
            goal=Goal("ours", "at least", 8_000),
        )
    ]


def _wait(shop: Shop, position: int) -> float:
    """Return when (by `time.monotonic`) every view showed the log up to a position."""
    with shop.connect(VIEWS) as connection:
        began = time.monotonic()
        while shop.visible(connection) < position:
            time.sleep(_LOOK_SECONDS)
            if time.monotonic() - began > _PATIENCE:
                raise NotVisible(str(NotVisible.__doc__))
        return time.monotonic()


MEASURE: Final = Measure("publish", "batches over HTTP until every view shows them", run)
