"""One order as its reports tell it: what was agreed, paid and refunded, and what cannot be."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar
from uuid import UUID

import msgspec

from domain.order.events import Line

ZERO: Final = Decimal(0)
ROUNDING: Final = Decimal("0.01")
"""What a shop's rounding may add up to, a line."""


class Flag(StrEnum):
    """What cannot be, as far as was told yet: each goes away when what is missing is reported."""

    REFUND_WITHOUT_ORDER = "refund-without-order"
    REFUNDED_ABOVE_PAID = "refunded-above-paid"
    PAYMENT_WITHOUT_ORDER = "payment-without-order"
    PAID_ABOVE_TOTAL = "paid-above-total"
    TOTAL_NOT_ITS_LINES = "total-not-its-lines"
    OTHER_CURRENCY = "other-currency"
    TOLD_OF_ANOTHER_CUSTOMER = "told-of-another-customer"


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed, as last said."""

    at: datetime
    position: int
    number: str
    currency: str
    lines: tuple[Line, ...] = ()
    total: Decimal
    shipping: Decimal = ZERO
    tax: Decimal = ZERO
    discount: Decimal = ZERO
    coupon: str | None = None
    channel: str = "web"


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """One report of one payment."""

    at: datetime
    position: int
    id: str
    amount: Decimal
    currency: str


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """One report of one refund. `amount` None: all that was paid."""

    at: datetime
    position: int
    id: str
    amount: Decimal | None
    currency: str


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """What was paid and refunded, in one currency."""

    paid: Decimal = ZERO
    refunded: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        return self.paid - self.refunded


class OrderState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order. `payments` and `refunds` are all reports, by (at, position).

    `others`: the identities that it was told of besides its own customer's, in order.
    """

    placed_at: datetime | None = None
    terms: Terms | None = None
    payments: tuple[Payment, ...] = ()
    refunds: tuple[Refund, ...] = ()
    cancelled_at: datetime | None = None
    others: tuple[UUID, ...] = ()

    @property
    def purchased_at(self) -> datetime | None:
        """The instant of the earliest payment; None while nothing was paid."""
        return self.payments[0].at if self.payments else None

    @property
    def currency(self) -> str | None:
        """The currency agreed; as long as that is not known, that of the first money moved."""
        if self.terms is not None:
            return self.terms.currency
        if self.payments:
            return self.payments[0].currency
        return self.refunds[0].currency if self.refunds else None

    @property
    def sums(self) -> dict[str, Sums]:
        """By currency, what was paid and refunded in all."""
        return self.sums_at(None)

    @property
    def paid(self) -> Decimal:
        """What was paid in the order's own currency."""
        return self._own.paid

    @property
    def refunded(self) -> Decimal:
        """What was refunded in the order's own currency."""
        return self._own.refunded

    @property
    def net(self) -> Decimal:
        """Paid less refunded, in the order's own currency."""
        return self._own.net

    @property
    def kept(self) -> bool:
        """Whether it was bought and neither cancelled nor wholly refunded."""
        return self.kept_at(None)

    @property
    def lines(self) -> tuple[Line, ...]:
        return self.terms.lines if self.terms is not None else ()

    @property
    def _own(self) -> Sums:
        return self.sums.get(self.currency or "", Sums())

    def sums_at(self, instant: datetime | None) -> dict[str, Sums]:
        """Return by currency what had been paid and refunded at an instant; None: in all."""
        if instant is None and len(self.payments) == 1 and not self.refunds:  # nearly every order
            return {self.payments[0].currency: Sums(paid=self.payments[0].amount)}
        paid: dict[str, Decimal] = {}
        for payment in _last_said(self.payments, instant):
            paid[payment.currency] = paid.get(payment.currency, ZERO) + payment.amount
        refunded: dict[str, Decimal] = {}
        wholly = False
        for refund in _last_said(self.refunds, instant):
            if refund.amount is None:
                wholly = True
            else:
                refunded[refund.currency] = refunded.get(refund.currency, ZERO) + refund.amount
        if wholly:
            for currency, amount in paid.items():
                refunded[currency] = max(amount, refunded.get(currency, ZERO))
        return {
            currency: Sums(paid=paid.get(currency, ZERO), refunded=refunded.get(currency, ZERO))
            for currency in {**paid, **refunded}
        }

    def kept_at(self, instant: datetime | None) -> bool:
        """Tell whether it was, at an instant, bought and neither cancelled nor wholly refunded."""
        if not self.payments or (instant is not None and self.payments[0].at > instant):
            return False
        if self.cancelled_at is not None and (instant is None or self.cancelled_at <= instant):
            return False
        if not any(instant is None or refund.at <= instant for refund in self.refunds):
            return True
        return any(sums.refunded < sums.paid for sums in self.sums_at(instant).values())

    def placed_by(self, instant: datetime | None) -> bool:
        """Tell whether it had been placed at an instant; None: ever."""
        return self.placed_at is not None and (instant is None or self.placed_at <= instant)

    def changes(self) -> list[datetime]:
        """Return the instants at which its money or its standing changes, in order."""
        instants = {p.at for p in self.payments} | {r.at for r in self.refunds}
        if self.cancelled_at is not None:
            instants.add(self.cancelled_at)
        return sorted(instants)

    def flags(self, customer: UUID | None = None) -> tuple[Flag, ...]:
        """Return what cannot be of an order of `customer`, in the order of the flags' names."""
        sums = self.sums
        found: set[Flag] = set()
        if self.terms is None and self.payments:
            found.add(Flag.PAYMENT_WITHOUT_ORDER)
        if self.terms is None and not self.payments and self.refunds:
            found.add(Flag.REFUND_WITHOUT_ORDER)
        elif any(s.refunded > s.paid for s in sums.values()):
            found.add(Flag.REFUNDED_ABOVE_PAID)
        if len({*sums, *([self.terms.currency] if self.terms else [])}) > 1:
            found.add(Flag.OTHER_CURRENCY)
        if self.terms is not None:
            if sums.get(self.terms.currency, Sums()).paid > self.terms.total + ROUNDING:
                found.add(Flag.PAID_ABOVE_TOTAL)
            if _total_is_not_its_lines(self.terms):
                found.add(Flag.TOTAL_NOT_ITS_LINES)
        if self.others and self.others != (customer,):
            found.add(Flag.TOLD_OF_ANOTHER_CUSTOMER)
        return tuple(sorted(found))


NO_ORDER: Final = OrderState()
"""An order of which nothing was told yet."""


def line_amount(line: Line) -> Decimal:
    """Return what a line comes to: quantity × unit price − discount."""
    return line.quantity * line.unit_price - line.discount


R = TypeVar("R", Payment, Refund)


def _last_said(reports: tuple[R, ...], instant: datetime | None) -> Iterator[R]:
    said = {r.id: r for r in reports if instant is None or r.at <= instant}
    return iter(said.values())


def _total_is_not_its_lines(terms: Terms) -> bool:
    if not terms.lines:
        return False
    lines = sum(map(line_amount, terms.lines), ZERO)
    expected = lines + terms.shipping + terms.tax - terms.discount
    return abs(expected - terms.total) > ROUNDING * len(terms.lines)
