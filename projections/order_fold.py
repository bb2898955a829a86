"""How its facts make an order, in whatever order they come.

Every view that needs an order folds it with `take`. A payment or refund reported several times is
one: the last by (occurred_at, position) counts, and the purchase is at the earliest payment.
"""

from bisect import insort
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import attrgetter
from typing import Final

import msgspec

from domain.order.events import (
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRevised,
    OrderToldOfAnotherCustomer,
)
from domain.shared.events import Fact
from projections.orders import NO_ORDER, OrderState, Payment, R, Refund, Terms

ORDER_FACTS: Final = (OrderPlaced, OrderRevised, OrderPaid, OrderRefunded, OrderCancelled)
"""The facts that `take` understands; others leave the state as it is."""

_said: Final = attrgetter("at", "position")


def take(state: OrderState, fact: Fact) -> OrderState:
    """Return the order after one more of its facts; the same for any order of the facts."""
    match event := fact.event:
        case OrderPaid():
            payment = Payment(
                at=fact.occurred_at,
                position=fact.position,
                id=event.payment,
                amount=event.amount,
                currency=event.currency,
            )
            payments = _with(state.payments, payment)
            return msgspec.structs.replace(state, payments=payments)
        case OrderPlaced() | OrderRevised():
            return _agreed(placed(state, fact), fact, event)
        case OrderRefunded():
            refund = Refund(
                at=fact.occurred_at,
                position=fact.position,
                id=event.refund,
                amount=event.amount,
                currency=event.currency,
            )
            return msgspec.structs.replace(state, refunds=_with(state.refunds, refund))
        case OrderCancelled():
            cancelled = _earlier(state.cancelled_at, fact.occurred_at)
            return msgspec.structs.replace(state, cancelled_at=cancelled)
        case OrderToldOfAnotherCustomer():
            others = tuple(sorted({*state.others, event.identity}))
            return msgspec.structs.replace(state, others=others)
        case _:
            return state


def placed(state: OrderState, fact: Fact) -> OrderState:
    """Return the order with when it was placed, and nothing else of what the fact says."""
    if not isinstance(fact.event, OrderPlaced):
        return state
    return msgspec.structs.replace(state, placed_at=_earlier(state.placed_at, fact.occurred_at))


def told(facts: Iterable[Fact]) -> OrderState:
    """Return the order that these facts tell of."""
    state = NO_ORDER
    for fact in facts:
        state = take(state, fact)
    return state


def growing(state: OrderState) -> Iterator[tuple[Payment | Refund, OrderState]]:
    """Yield each report of money, by (at, position), and the order's money with it."""
    reports: list[Payment | Refund] = [*state.payments, *state.refunds]
    grown = NO_ORDER
    for report in sorted(reports, key=_said):
        if isinstance(report, Payment):
            grown = msgspec.structs.replace(grown, payments=(*grown.payments, report))
        else:
            grown = msgspec.structs.replace(grown, refunds=(*grown.refunds, report))
        yield report, grown


def combine(one: OrderState, other: OrderState) -> OrderState:
    """Return the order as the facts of both states tell it."""
    payments, refunds = one.payments, one.refunds
    for payment in other.payments:
        payments = _with(payments, payment)
    for refund in other.refunds:
        refunds = _with(refunds, refund)
    terms = [t for t in (one.terms, other.terms) if t is not None]
    return OrderState(
        placed_at=_earlier(one.placed_at, other.placed_at),
        terms=max(terms, key=_said, default=None),
        payments=payments,
        refunds=refunds,
        cancelled_at=_earlier(one.cancelled_at, other.cancelled_at),
        others=tuple(sorted({*one.others, *other.others})),
    )


def _agreed(state: OrderState, fact: Fact, event: OrderPlaced | OrderRevised) -> OrderState:
    terms = state.terms
    if terms is None or _said(terms) < (fact.occurred_at, fact.position):
        terms = Terms(
            at=fact.occurred_at,
            position=fact.position,
            number=event.number,
            currency=event.currency,
            lines=event.lines,
            total=event.total,
            shipping=event.shipping,
            tax=event.tax,
            discount=event.discount,
            coupon=event.coupon,
            channel=event.channel,
        )
    return msgspec.structs.replace(state, terms=terms)


def _with(reports: tuple[R, ...], report: R) -> tuple[R, ...]:
    if not reports:
        return (report,)
    if any(r.position == report.position for r in reports):
        return reports
    several = list(reports)
    insort(several, report, key=_said)
    return tuple(several)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return min(one, other)
