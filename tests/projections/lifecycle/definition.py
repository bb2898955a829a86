"""The definition of stages and tiers, read aloud from a customer's facts: slow, plainly right."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from domain.customer.events import CustomerRegistered, VisitorRecognised
from domain.lifecycle.events import LifecyclePolicyAdopted
from domain.shared.events import Fact
from projections.activity import is_activity
from projections.lifecycle.stages import Policies, Policy, Stage, Tier, adopted, in_force, tier_of
from projections.order_fold import told
from projections.orders import ZERO
from tests.projections.histories import SHOP, USERS, VISITORS, History, MemoryLog

DAY = timedelta(days=1)


def defined_stage(facts: Sequence[Fact], policies: Sequence[Policy], t: datetime) -> Stage | None:
    """Read the definition aloud: no state, no order of arrival, every fact looked at anew."""
    policy = in_force(tuple(policies), t)
    until = [f for f in facts if f.occurred_at <= t]
    did = sorted(f.occurred_at for f in until if is_activity(f.event))
    orders = {f.stream: told(g for g in until if g.stream == f.stream) for f in until}
    bought = sorted(o.purchased_at for o in orders.values() if o.purchased_at is not None)
    known = became_known(facts, t)
    quiet = t - max(did, default=known or t)
    silent_after = policy.silent_after_days * DAY
    won_back = any(
        t - purchase < policy.won_back_days * DAY
        and silence_in([before, *did, purchase], before, purchase) > silent_after
        for before, purchase in pairwise(bought)
    )
    lines = {
        Stage.VISITOR: not bought and known is None,
        Stage.PROSPECT: not bought and quiet < silent_after,
        Stage.IDLE_PROSPECT: not bought,
        Stage.NEW: bool(bought) and t - bought[0] < policy.new_days * DAY,
        Stage.WON_BACK: won_back,
        Stage.ACTIVE: quiet < silent_after,
        Stage.SILENT: quiet < policy.lost_after_days * DAY,
        Stage.LOST: True,
    }
    return next(stage for stage, holds in lines.items() if holds) if until else None


def became_known(facts: Sequence[Fact], t: datetime) -> datetime | None:
    named, known = set(), []
    for fact in facts:
        if isinstance(fact.event, CustomerRegistered):
            named.add(fact.origin)
        if fact.origin in named and fact.occurred_at <= t:
            known.append(fact.occurred_at)
    return min(known, default=None)


def silence_in(instants: Sequence[datetime], start: datetime, end: datetime) -> timedelta:
    between = sorted(i for i in instants if start <= i <= end)
    return max(later - earlier for earlier, later in pairwise(between))


def defined_tier(facts: Sequence[Fact], policies: Sequence[Policy], t: datetime) -> Tier:
    policy = in_force(tuple(policies), t)
    until = [f for f in facts if f.occurred_at <= t]
    net = ZERO
    for stream in {f.stream for f in until}:
        sums = told(f for f in until if f.stream == stream).sums
        net += sums[policy.currency].net if policy.currency in sums else ZERO
    return tier_of(net, policy)


def adopted_in(history: History) -> tuple[Policy, ...]:
    policies = Policies()
    for fact in history.facts:
        if isinstance(fact.event, LifecyclePolicyAdopted):
            policies = policies.and_one(SHOP, adopted(fact, fact.event))
    return policies.of(SHOP)


def facts_of(history: History, customer: UUID) -> list[Fact]:
    log = MemoryLog(history)
    return [
        f
        for f in history.facts
        if f.origin is not None
        and log.customer_of(f.origin, at=history.head) == customer
        and not isinstance(f.event, VisitorRecognised)
    ]


def defined(
    history: History, policies: Sequence[Policy], t: datetime
) -> dict[UUID, tuple[Stage, Tier]]:
    """Return everybody's stage and tier at an instant."""
    everybody = {}
    for customer in (*USERS, *VISITORS):
        facts = facts_of(history, customer)
        stage = defined_stage(facts, policies, t)
        if stage is not None:
            everybody[customer] = (stage, defined_tier(facts, policies, t))
    return everybody
