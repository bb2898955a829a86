"""A made-up history, kept live on a real Postgres."""

from projections.lifecycle.projection import lifecycle
from projections.runtime import schema
from projections.runtime.batch import Goal
from projections.runtime.live import LiveView
from projections.runtime.sweep import Sweeper
from tests.projections.histories import SLOTS, History, MemoryLog
from tests.projections.runtime.shop import Shop


def keep(shop: Shop, history: History, ends: list[int]) -> LiveView:
    """Keep a new view live through a made-up history, in batches, without sweeping."""
    with shop.connection.transaction():
        shop.connection.execute("drop schema if exists lifecycle_v2 cascade")
        shop.connection.execute("delete from views.active")
        shop.connection.execute("delete from views.checkpoint")
    schema.prepare(shop.connection, [lifecycle], SLOTS)
    live = LiveView(shop.connection, lifecycle, shop.sealer, MemoryLog(history), SLOTS)
    live.attach()
    after = 0
    for end in sorted({min(e, history.head) for e in ends} | {history.head}):
        clock = history.clock if end == history.head else history.facts[end - 1].recorded_at
        goals = dict.fromkeys(range(SLOTS), Goal(position=end, clock=clock))
        live.apply(history.facts[after:end], live.places(range(SLOTS)), goals)
        after = end
    return live


def sweep(shop: Shop, live: LiveView) -> None:
    sweeper = Sweeper(shop.connection, live)
    while sweeper.walk(live.places(range(SLOTS))):
        pass
    while sweeper.sweep(live.places(range(SLOTS))):
        pass
