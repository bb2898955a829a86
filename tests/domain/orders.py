"""An order, what may happen to it, and what may be asked of it."""

from decimal import Decimal
from typing import Any

from domain.order.events import (
    Line,
    OrderCancelled,
    OrderDelivered,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRevised,
    OrderShipped,
    ReturnedLine,
)

D = Decimal
tea = Line(product="tea", quantity=D(2), unit_price=D("10.00"), discount=D(1))
pot = Line(product="pot", unit_price=D(30))
placed = OrderPlaced(
    number="A-1",
    currency="USD",
    lines=(tea, pot),
    shipping=D(5),
    tax=D(3),
    discount=D(2),
    total=D(55),
)
revised = OrderRevised(number="A-1", currency="USD", lines=(pot,), total=D(30))
paid = OrderPaid(amount=D(55), currency="USD", method="card")
shipped = OrderShipped(carrier="DHL", tracking="T1")
delivered = OrderDelivered()
cancelled = OrderCancelled(reason="changed their mind")
refunded = OrderRefunded(refund="r1", amount=D(20), currency="USD")


def pay(amount: str, payment: str = "payment", currency: str | None = "USD") -> Any:
    return lambda o: o.pay(payment, D(amount), currency, "card")


def refund(
    amount: str | None = None,
    refund: str = "refund",
    currency: str | None = None,
    lines: tuple[ReturnedLine, ...] = (),
) -> Any:
    return lambda o: o.refund(
        refund, None if amount is None else D(amount), currency, lines=lines, reason=None
    )


def back(product: str, quantity: str, amount: str) -> ReturnedLine:
    return ReturnedLine(product=product, quantity=D(quantity), amount=D(amount))
