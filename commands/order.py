"""What can be asked of an order."""

from decimal import Decimal
from uuid import UUID

from commands.work import Command, Work, handles
from domain.order.aggregate import Order, PlacedForAnother
from domain.order.events import Line, OrderPlaced, OrderRevised, ReturnedLine


class PlaceOrder(Command, frozen=True, kw_only=True):
    """Order something, for a customer if one is known."""

    number: str
    customer: UUID | None = None
    currency: str
    lines: tuple[Line, ...]
    total: Decimal
    shipping: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    coupon: str | None = None
    channel: str = "web"


class ReviseOrder(Command, frozen=True, kw_only=True):
    """Put an order anew: these are its lines and its total from now on."""

    order: UUID
    currency: str
    lines: tuple[Line, ...]
    total: Decimal
    shipping: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    coupon: str | None = None
    channel: str = "web"


class PayOrder(Command, frozen=True, kw_only=True):
    """Take a payment. Without a currency, in the order's; without an id, as the one payment."""

    order: UUID
    payment: str = "payment"
    amount: Decimal
    currency: str | None = None
    method: str | None = None


class ShipOrder(Command, frozen=True, kw_only=True):
    """Send the goods, or some of them."""

    order: UUID
    carrier: str | None = None
    tracking: str | None = None


class DeliverOrder(Command, frozen=True, kw_only=True):
    """Say that the goods arrived."""

    order: UUID


class CancelOrder(Command, frozen=True, kw_only=True):
    """Call an order off. What was paid is refunded by another command."""

    order: UUID
    reason: str | None = None


class RefundOrder(Command, frozen=True, kw_only=True):
    """Give money back: an amount, the sum of some lines, or all that is left."""

    order: UUID
    refund: str = "refund"
    amount: Decimal | None = None
    currency: str | None = None
    lines: tuple[ReturnedLine, ...] = ()
    reason: str | None = None


@handles(PlaceOrder)
def place_order(command: PlaceOrder, crm: Work) -> None:
    order = crm.get(Order, crm.ids.order(crm.shop, command.number.strip()), likely_new=True)
    if crm.is_anothers(order, command.customer):
        raise PlacedForAnother(number=command.number.strip())
    order.place(
        OrderPlaced(
            number=command.number.strip(),
            currency=command.currency,
            lines=command.lines,
            total=command.total,
            shipping=command.shipping,
            tax=command.tax,
            discount=command.discount,
            coupon=command.coupon,
            channel=command.channel,
        )
    )
    crm.keep(order, customer=command.customer)


@handles(ReviseOrder)
def revise_order(command: ReviseOrder, crm: Work) -> None:
    order = crm.get(Order, command.order)
    order.revise(
        OrderRevised(
            number="",  # an order keeps its number
            currency=command.currency,
            lines=command.lines,
            total=command.total,
            shipping=command.shipping,
            tax=command.tax,
            discount=command.discount,
            coupon=command.coupon,
            channel=command.channel,
        )
    )
    crm.keep(order)


@handles(PayOrder)
def pay_order(command: PayOrder, crm: Work) -> None:
    order = crm.get(Order, command.order)
    order.pay(command.payment, command.amount, command.currency, command.method)
    crm.keep(order)


@handles(ShipOrder)
def ship_order(command: ShipOrder, crm: Work) -> None:
    order = crm.get(Order, command.order)
    order.ship(command.carrier, command.tracking)
    crm.keep(order)


@handles(DeliverOrder)
def deliver_order(command: DeliverOrder, crm: Work) -> None:
    order = crm.get(Order, command.order)
    order.deliver()
    crm.keep(order)


@handles(CancelOrder)
def cancel_order(command: CancelOrder, crm: Work) -> None:
    order = crm.get(Order, command.order)
    order.cancel(command.reason)
    crm.keep(order)


@handles(RefundOrder)
def refund_order(command: RefundOrder, crm: Work) -> None:
    order = crm.get(Order, command.order)
    order.refund(
        command.refund,
        command.amount,
        command.currency,
        lines=command.lines,
        reason=command.reason,
    )
    crm.keep(order)
