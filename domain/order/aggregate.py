"""An order: what was bought, what is due, and what may go back."""

from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import msgspec

from domain.order.amounts import ZERO, check_lines, check_returns, checked, quantities, sum_of
from domain.order.events import (
    OrderCancelled,
    OrderDelivered,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRevised,
    OrderShipped,
    ReturnedLine,
)
from domain.shared.aggregate import Root
from domain.shared.events import Event
from domain.shared.money import MixedCurrencies, currency
from domain.shared.refusals import NotFound, Refused
from domain.shared.text import text, text_or_none

Placing = TypeVar("Placing", OrderPlaced, OrderRevised)


class WrongTotal(Refused):
    """Order {number} does not add up: its parts make {sum} {currency}, its total says {total}."""


class PlacedOtherwise(Refused):
    """Order {number} was placed already, with another content; revise it instead."""


class PlacedForAnother(Refused):
    """Order {number} is another customer's already."""


class Cancelled(Refused):
    """Order {number} was cancelled."""


class Gone(Refused):
    """Order {number} has left the house; what was sent is not revised."""


class Delivered(Refused):
    """Order {number} was delivered; it is taken back by a refund."""


class BelowPaid(Refused):
    """Order {number} cannot come to {total} {currency}: {paid} is paid already."""


class PaidTooMuch(Refused):
    """Order {number} is due {due} {currency}, not {amount}: {paid} of {total} is paid."""


class PaidOtherwise(Refused):
    """Payment {payment} of order {number} was {known} {currency}, not {amount}."""


class RefundedTooMuch(Refused):
    """Order {number} gives back {left} {currency}, not {amount}: {refunded} of {paid} went back."""


class RefundedOtherwise(Refused):
    """Refund {refund} of order {number} was {known} {currency}, not {amount}."""


class ReturnsDoNotAddUp(Refused):
    """The returned lines of order {number} make {sum} {currency}, the refund says {amount}."""


class ReturnedTooMany(Refused):
    """Order {number} can take back {left} of {product}, not {quantity}: {ordered} ordered."""


class Order(Root):
    """One order of one shop. Its facts may be reports, in whatever order they came."""

    facts = ("order",)

    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.first: OrderPlaced | None = None
        self.placed: OrderPlaced | OrderRevised | None = None
        """How it stands now: as placed, or as last revised."""
        self.payments: dict[str, OrderPaid] = {}
        self.refunds: dict[str, OrderRefunded] = {}
        self.shipments: set[OrderShipped] = set()
        self.delivered = False
        self.cancelled = False

    @property
    def paid(self) -> Decimal:
        return sum((p.amount for p in self.payments.values()), ZERO)

    @property
    def refunded(self) -> Decimal:
        """What went back. A refund without an amount is all that was paid."""
        amounts = [r.amount for r in self.refunds.values()]
        known = sum((a for a in amounts if a is not None), ZERO)
        return max(known, self.paid) if None in amounts else known

    def place(self, asked: OrderPlaced) -> None:
        asked = _checked(asked)
        if self.placed is None:
            self.record(asked)
        elif asked != (self.first or self.placed):
            raise PlacedOtherwise(number=self.placed.number)

    def revise(self, asked: OrderRevised) -> None:
        """Put the order anew, before anything was sent and not below what was paid."""
        placed = self._standing()
        asked = _checked(msgspec.structs.replace(asked, number=placed.number))
        if msgspec.structs.astuple(asked) == msgspec.structs.astuple(placed):
            return
        if self.shipments or self.delivered:
            raise Gone(number=placed.number)
        self._same_currency(asked.currency)
        if asked.total < self.paid:
            raise BelowPaid(
                number=placed.number, total=asked.total, currency=placed.currency, paid=self.paid
            )
        self.record(asked)

    def pay(self, payment: str, amount: Decimal, code: str | None, method: str | None) -> None:
        """Take a payment, up to what is due. One payment has one id, and counts once."""
        placed = self._placed()
        payment = text("payment", payment)
        amount = checked("amount", amount, positive=True)
        self._same_currency(code)
        if known := self.payments.get(payment):
            if known.amount != amount:
                raise PaidOtherwise(
                    payment=payment,
                    number=placed.number,
                    known=known.amount,
                    currency=placed.currency,
                    amount=amount,
                )
            return
        self._standing()
        due = placed.total - self.paid
        if amount > due:
            raise PaidTooMuch(
                amount=amount,
                currency=placed.currency,
                number=placed.number,
                due=due,
                total=placed.total,
                paid=self.paid,
            )
        self.record(
            OrderPaid(
                payment=payment,
                amount=amount,
                currency=placed.currency,
                method=text_or_none("method", method),
            )
        )

    def ship(self, carrier: str | None, tracking: str | None) -> None:
        """Send it, in as many parcels as it takes."""
        parcel = OrderShipped(
            carrier=text_or_none("carrier", carrier), tracking=text_or_none("tracking", tracking)
        )
        placed = self._standing()
        if parcel in self.shipments:
            return
        if self.delivered:
            raise Delivered(number=placed.number)
        self.record(parcel)

    def deliver(self) -> None:
        self._standing()
        if not self.delivered:
            self.record(OrderDelivered())

    def cancel(self, reason: str | None) -> None:
        placed = self._placed()
        if self.cancelled:
            return
        if self.delivered:
            raise Delivered(number=placed.number)
        self.record(OrderCancelled(reason=text_or_none("reason", reason)))

    def refund(
        self,
        refund: str,
        amount: Decimal | None,
        code: str | None,
        *,
        lines: tuple[ReturnedLine, ...] = (),
        reason: str | None = None,
    ) -> None:
        """Give back an amount, the sum of some lines, or (neither given) all that is left.

        One refund has one id, and counts once.
        """
        placed = self._placed()
        refund = text("refund", refund)
        self._same_currency(code)
        amount = _amount_back(placed, amount, lines)
        if known := self.refunds.get(refund):
            if amount is not None and known.amount is not None and amount != known.amount:
                raise RefundedOtherwise(
                    refund=refund,
                    number=placed.number,
                    known=known.amount,
                    currency=placed.currency,
                    amount=amount,
                )
            return
        left = self.paid - self.refunded
        if amount is None:
            amount = left
        if amount > left or left <= ZERO:
            raise RefundedTooMuch(
                amount=amount,
                currency=placed.currency,
                number=placed.number,
                left=max(left, ZERO),
                paid=self.paid,
                refunded=self.refunded,
            )
        self._must_be_returnable(placed, lines)
        self.record(
            OrderRefunded(
                refund=refund,
                amount=amount,
                currency=placed.currency,
                lines=lines,
                reason=text_or_none("reason", reason),
            )
        )

    def _must_be_returnable(
        self, placed: OrderPlaced | OrderRevised, lines: tuple[ReturnedLine, ...]
    ) -> None:
        left = quantities(placed.lines)
        ordered = dict(left)
        for back in (line for r in self.refunds.values() for line in r.lines):
            left[back.product] = left.get(back.product, ZERO) - back.quantity
        for product, quantity in quantities(lines).items():
            if quantity > left.get(product, ZERO):
                raise ReturnedTooMany(
                    quantity=quantity,
                    product=product,
                    number=placed.number,
                    left=max(left.get(product, ZERO), ZERO),
                    ordered=ordered.get(product, ZERO),
                )

    def evolve(self, event: Event) -> None:
        match event:
            case OrderPlaced():
                self.placed = event
                self.first = self.first or event
            case OrderRevised():
                self.placed = event
            case OrderPaid():
                self.payments[event.payment] = event
            case OrderShipped():
                self.shipments.add(event)
            case OrderDelivered():
                self.delivered = True
            case OrderCancelled():
                self.cancelled = True
            case OrderRefunded():
                self.refunds[event.refund] = event

    def _placed(self) -> OrderPlaced | OrderRevised:
        if self.placed is None:
            raise NotFound(what="order", id=self.id)
        return self.placed

    def _standing(self) -> OrderPlaced | OrderRevised:
        placed = self._placed()
        if self.cancelled:
            raise Cancelled(number=placed.number)
        return placed

    def _same_currency(self, code: str | None) -> None:
        placed = self._placed()
        if code is not None and currency(code) != placed.currency:
            raise MixedCurrencies(left=placed.currency, right=currency(code))


def _checked(asked: Placing) -> Placing:
    """Return the order with its currency in capitals. Raises WrongTotal or Malformed."""
    text("number", asked.number)
    text("channel", asked.channel)
    check_lines(asked.lines)
    for field in ("total", "shipping", "tax", "discount"):
        checked(field, getattr(asked, field))
    asked = msgspec.structs.replace(asked, currency=currency(asked.currency))
    if sum_of(asked) != asked.total:
        raise WrongTotal(
            number=asked.number, sum=sum_of(asked), currency=asked.currency, total=asked.total
        )
    return asked


def _amount_back(
    placed: OrderPlaced | OrderRevised, amount: Decimal | None, lines: tuple[ReturnedLine, ...]
) -> Decimal | None:
    """Return what is asked back, None for all that is left."""
    check_returns(lines)
    if amount is not None:
        checked("amount", amount, positive=True)
    if not lines:
        return amount
    sum_ = sum((line.amount for line in lines), ZERO)
    if amount is not None and amount != sum_:
        raise ReturnsDoNotAddUp(
            number=placed.number, sum=sum_, currency=placed.currency, amount=amount
        )
    return checked("lines", sum_, positive=True)
