"""A customer told anew, from its days and orders: the whole walk, or from an instant on.

It takes the same steps as the fold of facts that come in order, and so comes to the same row.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from operator import attrgetter

from msgspec.structs import replace

from projections.lifecycle.lived import Nets, Step
from projections.lifecycle.resuming import taken_up
from projections.lifecycle.stages import EVER, Policy, last_of, newest
from projections.lifecycle.tables import Lifecycle, LifecycleDay, LifecycleMove, LifecycleOrder
from projections.lifecycle.walk import Walk
from projections.order_fold import growing
from projections.orders import NO_ORDER, ZERO, OrderState, Sums


def tell(  # noqa: PLR0913  # what is kept of a customer, and which part of it is asked for
    row: Lifecycle,
    policies: tuple[Policy, ...],
    days: Iterable[LifecycleDay],
    orders: Iterable[LifecycleOrder],
    *,
    moves: Iterable[LifecycleMove] = (),
    since: datetime = EVER,
    until: datetime | None = None,
) -> Walk:
    """Return a customer's walk with all its moves, from all that is kept of it.

    Of `row` only its identities count, its currency, and when it was first heard of and known.
    `since`: before it nothing is told anew, and `moves` hold what was moved by these policies.
    Steps after `until` are left out.
    """
    heard = (row.heard_at, row.heard_position)
    told = list(orders)
    stood = tuple(p for p in policies if (p.at, p.position) <= heard)
    steps = [
        Step(*heard),
        *(Step(p.at, p.position, policy=p) for p in policies[len(stood) :]),
        *_steps(row, days, told),
    ]
    steps.sort(key=attrgetter("at", "position"))
    if since <= row.heard_at:
        walk = Walk(blank(row, newest(stood)), last_of(stood), ())
    else:
        stood = tuple(p for p in policies if p.at < since)
        known = [move for move in moves if move.at < since]
        begun = steps[: bisect_left(steps, since, key=attrgetter("at"))]
        del steps[: len(begun)]
        walk = taken_up(blank(row, newest(stood)), last_of(stood), begun, known)
    for step in steps:
        if until is None or step.at <= until:
            walk.step(step)
    walk.row = replace(
        walk.row,
        kept_purchases=sum(o.told.kept_at(until) for o in told),
        orders=sum(o.told.placed_by(until) for o in told),
        own_net=own_net(walk.row),
    )
    return walk


def blank(row: Lifecycle, policy: int) -> Lifecycle:
    """Return a customer at the moment when it was first heard of, before its first step."""
    return Lifecycle(
        customer=row.customer,
        shop=row.shop,
        stage_since=row.heard_at,
        told_since=row.heard_at,
        tier_since=row.heard_at,
        tier_cause=row.heard_position,
        heard_at=row.heard_at,
        heard_position=row.heard_position,
        last_fact_at=row.heard_at,
        named=row.named,
        dealt=row.dealt,
        policy=policy,
    )


def own_net(row: Lifecycle) -> Decimal:
    """Return what a customer is worth in the currency that they first dealt in."""
    return row.nets.get(row.dealt[-1], ZERO) if row.dealt else ZERO


def moved(before: OrderState, after: OrderState) -> Nets:
    """Return by currency how much more an order is worth than before."""
    was, now = before.sums if before.payments or before.refunds else {}, after.sums
    none = Sums()
    changes = {c: now.get(c, none).net - was.get(c, none).net for c in {**was, **now}}
    return {currency: change for currency, change in changes.items() if change}


def _steps(
    row: Lifecycle, days: Iterable[LifecycleDay], orders: Iterable[LifecycleOrder]
) -> Iterator[Step]:
    if row.known_at is not None and row.known_position is not None:
        yield Step(row.known_at, row.known_position, known=True)
    for day in days:
        yield Step(day.first_at, day.first_position, active=True)
        if day.last_at > day.first_at:
            yield Step(day.last_at, day.first_position, active=True)
    for order in orders:
        if len(order.told.payments) == 1 and not order.told.refunds:  # nearly every order
            (payment,) = order.told.payments
            money = {payment.currency: payment.amount} if payment.amount else {}
            yield Step(payment.at, payment.position, purchased=True, nets=money)
            continue
        before = NO_ORDER
        for report, after in growing(order.told):
            purchased = before.purchased_at is None and after.purchased_at is not None
            nets = moved(before, after)
            yield Step(report.at, report.position, purchased=purchased, nets=nets)
            before = after
