"""What is answered from Postgres is what the definition says, moved by then or not."""

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.lifecycle import queries
from projections.lifecycle.answers import Counts
from projections.lifecycle.projection import lifecycle
from projections.lifecycle.stages import Policy, Stage, Tier
from projections.runtime.verify import Verifier
from tests.projections.histories import SHOP, SLOTS, USERS, VISITORS, History, MemoryLog
from tests.projections.lifecycle.definition import adopted_in, defined
from tests.projections.lifecycle.keeping import keep, sweep
from tests.projections.lifecycle.stories import lives, one_life
from tests.projections.runtime.shop import Shop


def spread(at: datetime, places: dict[UUID, tuple[Stage, Tier]]) -> Counts:
    stages = Counter(stage for stage, _ in places.values())
    tiers = Counter(tier for _, tier in places.values())
    return Counts(
        at=at,
        customers=len(places),
        stages={stage: stages[stage] for stage in Stage},
        tiers={tier: tiers[tier] for tier in Tier},
    )


few = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
batches = st.lists(st.integers(1, 30), max_size=3)
later = st.lists(st.integers(-100, 100).map(lambda days: timedelta(days=days)), max_size=3)
others = st.builds(
    Policy,
    new_days=st.integers(1, 40),
    silent_after_days=st.integers(1, 40),
    lost_after_days=st.integers(41, 90),
    won_back_days=st.integers(1, 60),
    currency=st.sampled_from(["USD", "EUR"]),
)


@pytest.mark.slow
@few
@given(lives | one_life, batches, later, others)
def test_answers_about_any_instant_are_the_definition(
    shop: Shop, history: History, ends: list[int], waits: list[timedelta], other: Policy
) -> None:
    live = keep(shop, history, ends)
    instants = {history.clock, *(history.clock + wait for wait in waits)}
    instants |= {f.occurred_at for f in history.facts[::4]}

    def agree() -> None:
        for at in instants:
            places = defined(history, adopted_in(history), at)
            for whose, there in ((None, places), (SHOP, places), ("another", {})):
                assert queries.counts(shop.connection, at, shop=whose) == spread(at, there)
            for customer in (*USERS, *VISITORS):
                standing = queries.customer(shop.connection, customer, at)
                place = standing and (standing.stage.place, standing.tier.place)
                assert place == places.get(customer)
            what_if = queries.what_if(shop.connection, at, other, shop=SHOP)
            assert what_if == spread(at, defined(history, [other], at))

    agree()
    sweep(shop, live)
    agree()
    report = Verifier(shop.connection, lifecycle, shop.sealer, MemoryLog(history), SLOTS).verify()
    assert report.different == 0, report.differences
