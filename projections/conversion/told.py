"""All that was said of one order, kept so that it can be told as it stood at any instant."""

from bisect import insort
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from operator import attrgetter

import msgspec
from msgspec.structs import replace

from domain.order.events import OrderPlaced, OrderRevised
from domain.shared.events import Fact
from projections import order_fold
from projections.orders import NO_ORDER, OrderState, Sums


class Agreed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a campaign's goal may ask of an order, as one report of its lines said it."""

    at: datetime
    position: int
    currency: str
    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase as it stood from one instant until another (None: from then on)."""

    since: datetime
    until: datetime | None
    currency: str
    net: Decimal
    kept: bool
    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order's money, and every report of its lines by (at, position)."""

    money: OrderState = NO_ORDER
    agreed: tuple[Agreed, ...] = ()

    @property
    def purchased_at(self) -> datetime | None:
        return self.money.purchased_at

    @property
    def last_paid_at(self) -> datetime | None:
        return self.money.payments[-1].at if self.money.payments else None

    def standings(self) -> Iterator[Standing]:
        """Yield how the purchase stood from its first payment on, each unlike the one before."""
        bought = self.purchased_at
        if bought is None:
            return
        instants = {bought, *self.money.changes(), *(a.at for a in self.agreed)}
        last: Standing | None = None
        for instant in sorted(i for i in instants if i >= bought):
            standing = self._standing(instant)
            if last is None:
                last = standing
            elif replace(standing, since=last.since) != last:
                yield replace(last, until=instant)
                last = standing
        assert last is not None  # the first payment is one of the instants
        yield last

    def _standing(self, instant: datetime) -> Standing:
        agreed = next((a for a in reversed(self.agreed) if a.at <= instant), None)
        currency = agreed.currency if agreed else self.money.payments[0].currency
        return Standing(
            since=instant,
            until=None,
            currency=currency,
            net=self.money.sums_at(instant).get(currency, Sums()).net,
            kept=self.money.kept_at(instant),
            products=agreed.products if agreed else (),
            categories=agreed.categories if agreed else (),
        )


UNTOLD = Told()
"""An order of which nothing was told yet."""


def take(told: Told, fact: Fact) -> Told:
    """Return the order after one more of its facts; the same for any order of the facts."""
    event = fact.event
    if not isinstance(event, OrderPlaced | OrderRevised):
        return replace(told, money=order_fold.take(told.money, fact))
    agreed = Agreed(
        at=fact.occurred_at,
        position=fact.position,
        currency=event.currency,
        products=tuple(sorted({line.product for line in event.lines})),
        categories=tuple(sorted({line.category for line in event.lines if line.category})),
    )
    return replace(told, agreed=_with(told.agreed, agreed))


def combine(one: Told, other: Told) -> Told:
    """Return the order as the facts of both tell it."""
    agreed = one.agreed
    for report in other.agreed:
        agreed = _with(agreed, report)
    return Told(money=order_fold.combine(one.money, other.money), agreed=agreed)


def _with(reports: tuple[Agreed, ...], report: Agreed) -> tuple[Agreed, ...]:
    if any(r.position == report.position for r in reports):
        return reports
    several = list(reports)
    insort(several, report, key=attrgetter("at", "position"))
    return tuple(several)
