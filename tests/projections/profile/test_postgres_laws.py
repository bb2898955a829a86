"""Profile and timeline, kept live on Postgres, are what a replay says."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.profile.projection import profile
from projections.projection import View
from projections.runtime import schema
from projections.runtime.batch import Goal
from projections.runtime.live import LiveView
from projections.runtime.verify import Report, Verifier
from projections.timeline.projection import timeline
from tests.projections.histories import SLOTS, History, MemoryLog, histories
from tests.projections.profile import test_laws as of_profile
from tests.projections.runtime.shop import Shop
from tests.projections.timeline import test_laws as of_timeline


def verified(shop: Shop, view: View, history: History, ends: list[int]) -> Report:
    """Keep a new view live through a made-up history, in batches, and verify it."""
    with shop.connection.transaction():
        shop.connection.execute(f"drop schema if exists {view.name}_v{view.version} cascade")
        shop.connection.execute("delete from views.active")
        shop.connection.execute("delete from views.checkpoint")
    log = MemoryLog(history)
    schema.prepare(shop.connection, [view], SLOTS)
    live = LiveView(shop.connection, view, shop.sealer, log, SLOTS)
    live.attach()
    after = 0
    slots = range(SLOTS)
    for end in sorted({min(e, history.head) for e in ends} | {history.head}):
        clock = history.clock if end == history.head else history.facts[end - 1].recorded_at
        goals = dict.fromkeys(slots, Goal(position=end, clock=clock))
        live.apply(history.facts[after:end], live.places(slots), goals)
        after = end
    return Verifier(shop.connection, view, shop.sealer, log, SLOTS).verify()


few = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
batches = st.lists(st.integers(1, 30), max_size=3)


@few
@given(histories(of_profile.events), batches)
def test_a_live_profile_equals_its_replay(shop: Shop, history: History, ends: list[int]) -> None:
    report = verified(shop, profile, history, ends)
    assert report.different == 0, report.differences


@few
@given(histories(of_timeline.events, nobodys=of_timeline.campaigns), batches)
def test_a_live_timeline_equals_its_replay(shop: Shop, history: History, ends: list[int]) -> None:
    report = verified(shop, timeline, history, ends)
    assert report.different == 0, report.differences
