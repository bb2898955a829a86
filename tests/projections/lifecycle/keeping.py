"""A made-up history, kept live on a real Postgres."""

from projections.lifecycle.projection import lifecycle
from projections.runtime.live import LiveView
from projections.runtime.sweep import Sweeper
from tests.projections.histories import SLOTS, History
from tests.projections.runtime import keeping
from tests.projections.runtime.shop import Shop


def keep(shop: Shop, history: History, ends: list[int]) -> LiveView:
    """Keep a new view live through a made-up history, in batches, without sweeping."""
    return keeping.keep(shop, lifecycle, history, ends)


def sweep(shop: Shop, live: LiveView) -> None:
    sweeper = Sweeper(shop.connection, live)
    while sweeper.walk(live.places(range(SLOTS))):
        pass
    while sweeper.sweep(live.places(range(SLOTS))):
        pass
