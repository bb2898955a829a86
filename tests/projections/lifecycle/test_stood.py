"""Where somebody stood, told without a walk, is where the walk ends."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from projections.lifecycle.projection import lifecycle
from projections.lifecycle.stages import EVER, Policy
from projections.lifecycle.stood import stood
from projections.lifecycle.tables import DAY, LIFECYCLE, ORDER
from projections.lifecycle.telling import tell
from projections.runtime.replay import Replay
from tests.projections.histories import SLOTS, History, MemoryLog
from tests.projections.lifecycle.stories import lives, one_life
from tests.projections.memory import blind

policies = st.builds(
    Policy,
    at=st.just(EVER),
    new_days=st.integers(1, 40),
    silent_after_days=st.integers(1, 40),
    lost_after_days=st.integers(41, 90),
    won_back_days=st.integers(1, 60),
    currency=st.sampled_from(["USD", "EUR"]),
)


@given(lives | one_life, policies, st.data())
def test_where_somebody_stood_is_where_the_walk_ends(
    history: History, policy: Policy, data: st.DataObject
) -> None:
    replay = Replay(lifecycle, blind=blind)
    for chunk in MemoryLog(history).scan(range(SLOTS), SLOTS, upto=history.head):
        for customer, fact in chunk:
            replay.fold(customer, fact)
    instants = {history.clock, *(fact.occurred_at for fact in history.facts)}
    at: datetime = data.draw(st.sampled_from(sorted(instants)))
    for rows in replay.rows.values():
        row = rows.get(LIFECYCLE)
        if row is None or row.heard_at > at:
            continue
        days, orders = rows.all(DAY).values(), rows.all(ORDER).values()
        walk = tell(row, (policy,), days, orders, until=at)
        walk.wait(at)
        spells = [(day.first_at, day.first_position, day.last_at) for day in days]
        place = stood(row, policy, spells, [order.told for order in orders], at)
        assert place == (walk.row.stage, walk.row.tier)
