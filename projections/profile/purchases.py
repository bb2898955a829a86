"""What a customer's orders come to: each counts as it now stands, in place of how it stood."""

from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from domain.order.events import Line, OrderDelivered, OrderShipped
from domain.shared.events import Fact
from projections.order_fold import combine, take
from projections.orders import ZERO, Flag, Sums
from projections.profile.said import earliest
from projections.profile.tables import (
    CATEGORY,
    ORDER,
    PROFILE,
    Profile,
    ProfileCategory,
    ProfileOrder,
    Turnover,
)
from projections.rows import Rows

CENTS: Final = Decimal("0.01")


def tell(rows: Rows, fact: Fact) -> None:
    """Take one more fact of an order."""
    before = rows.get(ORDER, fact.stream)
    order = before or ProfileOrder(customer=rows.subject, order_id=fact.stream)
    match fact.event:
        case OrderShipped():
            order = replace(order, shipped_at=earliest(order.shipped_at, fact.occurred_at))
        case OrderDelivered():
            order = replace(order, delivered_at=earliest(order.delivered_at, fact.occurred_at))
        case _:
            order = replace(order, state=take(order.state, fact))
    if before is None or order.state is not before.state:
        _count(rows, before, _described(order))
    elif (order := replace(order, status=_status(order))) != before:
        rows.put(ORDER, order)  # it is on its way: nothing else follows from that


def take_over(rows: Rows, theirs: ProfileOrder) -> None:
    """Take what is known of an order that turned out to be this customer's."""
    before = rows.get(ORDER, theirs.order_id)
    order = before or ProfileOrder(customer=rows.subject, order_id=theirs.order_id)
    order = replace(
        order,
        shipped_at=earliest(order.shipped_at, theirs.shipped_at),
        delivered_at=earliest(order.delivered_at, theirs.delivered_at),
        state=combine(order.state, theirs.state),
    )
    _count(rows, before, _described(order))


def in_currency(profile: Profile, currency: str | None) -> Profile:
    """Show the sums in another currency, the one that turned out to be the customer's."""
    if currency == profile.currency:
        return profile
    return _with_turnovers(replace(profile, currency=currency), _turnovers(profile))


def _described(order: ProfileOrder) -> ProfileOrder:
    state, terms = order.state, order.state.terms
    currency = state.currency
    own = state.sums.get(currency or "", Sums())
    order = replace(
        order,
        number=terms.number if terms else None,
        channel=terms.channel if terms else None,
        total=terms.total if terms else None,
        currency=currency,
        paid=own.paid,
        refunded=own.refunded,
        net=own.net,
        placed_at=state.placed_at,
        purchased_at=state.purchased_at,
        cancelled_at=state.cancelled_at,
        flags=tuple(flag.value for flag in state.flags(order.customer)),
    )
    return replace(order, status=_status(order))


def _status(order: ProfileOrder) -> str:
    if order.cancelled_at is not None:
        return "cancelled"
    if order.purchased_at is not None and 0 < order.paid <= order.refunded:
        return "refunded"
    reached = {
        "delivered": order.delivered_at,
        "shipped": order.shipped_at,
        "paid": order.purchased_at,
        "placed": order.placed_at,
    }
    return next((status for status, at in reached.items() if at is not None), "reported")


def _count(rows: Rows, before: ProfileOrder | None, after: ProfileOrder) -> None:
    if after == before:
        return
    profile = rows.get(PROFILE)
    assert profile is not None  # the first fact of any kind makes it
    turnovers = _turnovers(profile)
    orders, purchases = profile.orders, profile.purchases
    for order, sign in ((before, -1), (after, 1)):
        if order is not None:
            orders += sign * (order.placed_at is not None)
            purchases += sign * (order.purchased_at is not None)
            _add(turnovers, order, sign)
    profile = replace(profile, orders=orders, purchases=purchases)
    rows.put(ORDER, after)
    rows.put(PROFILE, _with_turnovers(_with_favourite(rows, profile, before, after), turnovers))


def _turnovers(profile: Profile) -> dict[str, Turnover]:
    turnovers = dict(profile.other_currencies)
    if profile.currency is not None:
        own = Turnover(
            paid=profile.paid,
            refunded=profile.refunded,
            purchases=profile.purchases - sum(t.purchases for t in turnovers.values()),
        )
        if own != Turnover():
            turnovers[profile.currency] = own
    return turnovers


def _with_turnovers(profile: Profile, turnovers: dict[str, Turnover]) -> Profile:
    others = dict(sorted(turnovers.items()))
    own = others.pop(profile.currency or "", Turnover())
    net = own.paid - own.refunded
    return replace(
        profile,
        paid=own.paid,
        refunded=own.refunded,
        net=net,
        average=(net / own.purchases).quantize(CENTS) if own.purchases else None,
        other_currencies=others,
    )


def _add(turnovers: dict[str, Turnover], order: ProfileOrder, sign: int) -> None:
    moved = _moved(order)
    bought_in = None
    if order.purchased_at is not None:
        bought_in = order.currency if order.currency in moved else min(moved)
    for currency, sums in moved.items():
        before = turnovers.get(currency, Turnover())
        after = Turnover(
            paid=before.paid + sign * sums.paid,
            refunded=before.refunded + sign * sums.refunded,
            purchases=before.purchases + sign * (currency == bought_in),
        )
        if after == Turnover():
            turnovers.pop(currency, None)
        else:
            turnovers[currency] = after


def _moved(order: ProfileOrder) -> dict[str, Sums]:
    """Return what was paid and refunded by currency; nearly always that is the order's own."""
    if Flag.OTHER_CURRENCY in order.flags:
        return order.state.sums
    if order.currency is None or not (order.state.payments or order.state.refunds):
        return {}
    return {order.currency: Sums(paid=order.paid, refunded=order.refunded)}


def _with_favourite(
    rows: Rows, profile: Profile, before: ProfileOrder | None, after: ProfileOrder
) -> Profile:
    """Count units by category; only where the favourite has lost some are all looked at."""
    if before is not None and _bought(before) is _bought(after):
        return profile
    more = _units(after)
    for category, units in _units(before).items():
        more[category] = more.get(category, ZERO) - units
    best, most = profile.favourite_category, profile.memory.favourite
    lost = False
    for category, change in more.items():
        if not change:
            continue
        known = rows.get(CATEGORY, category)
        units = change + (known.units if known else ZERO)
        if units:
            row = ProfileCategory(customer=rows.subject, category=category, units=units)
            rows.put(CATEGORY, row)
            if best is None or (-units, category) < (-most, best) or category == best:
                best, most = category, units
        else:
            rows.delete(CATEGORY, category)
        lost = lost or change < 0 or not units
    if lost:
        units_of = {row.category: row.units for row in rows.all(CATEGORY).values()}
        best = min(units_of, key=lambda category: (-units_of[category], category), default=None)
        most = units_of[best] if best is not None else ZERO
    return replace(
        profile,
        favourite_category=best,
        memory=replace(profile.memory, favourite=most),
    )


def _bought(order: ProfileOrder) -> tuple[Line, ...] | None:
    return order.state.lines if order.purchased_at is not None else None


def _units(order: ProfileOrder | None) -> dict[str, Decimal]:
    units: dict[str, Decimal] = {}
    if order is not None:
        for line in _bought(order) or ():
            if line.category is not None:
                units[line.category] = units.get(line.category, ZERO) + line.quantity
    return units
