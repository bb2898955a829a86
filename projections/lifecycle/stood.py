"""Where a customer stood at an instant, had one policy always held: told without its walk."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from projections.lifecycle.stages import Policy, Stage, Tier, stage_of, tier_of
from projections.lifecycle.tables import Lifecycle
from projections.orders import ZERO, OrderState, Sums

Spell = tuple[datetime, int, datetime]
"""A day's first activity, its position, and the day's last activity."""


def stood(
    row: Lifecycle,
    policy: Policy,
    spells: Iterable[Spell],
    orders: Iterable[OrderState],
    at: datetime,
) -> tuple[Stage, Tier]:
    """Return stage and tier. Of `row` only counts when it was first known.

    The same as the end of a whole walk: what happened at one instant comes by its position.
    """
    steps: list[tuple[datetime, int, bool]] = []  # True: a purchase, False: an activity
    for first, position, last in spells:
        steps.append((first, position, False))
        if last > first:
            steps.append((last, position, False))
    net = ZERO
    for order in orders:
        if order.payments:
            steps.append((order.payments[0].at, order.payments[0].position, True))
        net += _net(order, policy.currency, at)
    steps.sort()
    silent_after, slept = policy.silent_after, False
    active = purchased = won_back = None
    for moment, _, bought in steps:
        if moment > at:
            break
        if not bought:
            slept = slept or (active is not None and moment - active > silent_after)
            active = moment
            continue
        if purchased is None:
            purchased = moment
        elif slept:
            won_back = moment
        slept = False
    known = row.known_at if row.known_at is not None and row.known_at <= at else None
    life = replace(
        row,
        known_at=known,
        first_purchase_at=purchased,
        won_back_at=won_back,
        last_activity_at=active,
    )
    return stage_of(life, policy, at), tier_of(net, policy)


def _net(order: OrderState, currency: str, at: datetime) -> Decimal:
    if len(order.payments) == 1 and not order.refunds:  # nearly every order
        (payment,) = order.payments
        return payment.amount if payment.currency == currency and payment.at <= at else ZERO
    return order.sums_at(at).get(currency, Sums()).net
