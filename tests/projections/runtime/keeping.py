"""A made-up history, kept live on a real Postgres."""

from psycopg import sql

from projections.projection import View
from projections.runtime import schema
from projections.runtime.batch import Goal
from projections.runtime.live import LiveView
from tests.projections.histories import SLOTS, History, MemoryLog
from tests.projections.runtime.shop import Shop


def keep(shop: Shop, view: View, history: History, ends: list[int]) -> LiveView:
    """Keep a new view live through a made-up history, in batches, without sweeping."""
    with shop.connection.transaction():
        name = schema.Generation.of(view, 1).schema
        gone = sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(name))
        shop.connection.execute(gone)
        shop.connection.execute("delete from views.active")
        shop.connection.execute("delete from views.checkpoint")
    schema.prepare(shop.connection, [view], SLOTS)
    live = LiveView(shop.connection, view, shop.sealer, MemoryLog(history), SLOTS)
    live.attach()
    after = 0
    for end in sorted({min(e, history.head) for e in ends} | {history.head}):
        clock = history.clock if end == history.head else history.facts[end - 1].recorded_at
        goals = dict.fromkeys(range(SLOTS), Goal(position=end, clock=clock))
        live.apply(history.facts[after:end], live.places(range(SLOTS)), goals)
        after = end
    return live
