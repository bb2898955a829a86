"""Orders and coupons, as a shop reports them."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar

from commands.shop.amounts import amount, bounded, code, currency, needed_code, pick
from commands.shop.contract import exact_properties
from commands.shop.refusals import MissingAmount, WrongType
from commands.shop.told import Told
from domain.coupon.events import CouponRedeemed
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
from domain.shared.events import Event
from domain.shared.log import Draft

Said = Mapping[str, Any]
Ordered = TypeVar("Ordered", OrderPlaced, OrderRevised)

_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)


def told_of_orders(told: Told) -> tuple[Draft, ...]:
    """Return what a message says of an order or a coupon, none when it is about something else."""
    if told.name == REDEEMED:
        redeemed = _redeemed(told, exact_properties(told.sent.raw))
        return (told.of_redemption(redeemed.code, redeemed.order, redeemed),)
    translate = TRANSLATIONS.get(told.name)
    if translate is None:
        return ()
    said = exact_properties(told.sent.raw)
    return told.of_order(needed_code(said, "order_id"), translate(told, said))


def _placed(told: Told, said: Said) -> tuple[Event, ...]:
    return (_order(OrderPlaced, told, said),)


def _completed(told: Told, said: Said) -> tuple[Event, ...]:
    """Place and pay at once."""
    order = _order(OrderPlaced, told, said)
    paid = OrderPaid(
        payment=code(said, "payment_id") or "payment",
        amount=order.total,
        currency=order.currency,
        method=code(said, "payment_method"),
    )
    return order, paid


def _revised(told: Told, said: Said) -> tuple[Event, ...]:
    return (_order(OrderRevised, told, said),)


def _paid(told: Told, said: Said) -> tuple[Event, ...]:
    paid = amount(said, "amount", "total", "value", "revenue")
    if paid is None:
        raise MissingAmount
    return (
        OrderPaid(
            payment=code(said, "payment_id") or "payment",
            amount=paid,
            currency=currency(said, told.door.currency),
            method=code(said, "payment_method"),
        ),
    )


def _shipped(_: Told, said: Said) -> tuple[Event, ...]:
    tracking = pick(said, "tracking_number", "tracking")
    return (
        OrderShipped(
            carrier=code(said, "carrier", "shipping_method"),
            tracking=None if tracking is None else str(tracking),
        ),
    )


def _delivered(_: Told, __: Said) -> tuple[Event, ...]:
    return (OrderDelivered(),)


def _cancelled(_: Told, said: Said) -> tuple[Event, ...]:
    return (OrderCancelled(reason=code(said, "reason")),)


def _refunded(told: Told, said: Said) -> tuple[Event, ...]:
    """Read a refund: of an amount, else of its lines, else of all that was paid.

    Without a refund_id: one whole refund, or one refund of just these products.
    """
    products = _products(said)
    lines = tuple(line for product in products if (line := _returned(product)))
    repaid = amount(said, "amount", "total", "value", "revenue")
    if repaid is None and products:
        if len(lines) < len(products):
            raise MissingAmount
        repaid = bounded("amount", sum((line.amount for line in lines), _ZERO))
    refund = code(said, "refund_id")
    if refund is None:
        refund = " ".join(["refund", *sorted(_product_id(product) for product in products)])
    return (
        OrderRefunded(
            refund=refund,
            amount=repaid,
            currency=currency(said, told.door.currency),
            lines=lines,
            reason=code(said, "reason"),
        ),
    )


def _redeemed(told: Told, said: Said) -> CouponRedeemed:
    campaign, order = code(said, "campaign_id", "campaign"), code(said, "order_id")
    worth = amount(said, "discount", "amount")
    return CouponRedeemed(
        code=needed_code(said, "coupon_id", "coupon", "code"),
        campaign=None if campaign is None else told.ids.campaign(told.door.shop, campaign),
        order=None if order is None else told.ids.order(told.door.shop, order),
        amount=worth,
        currency=None if worth is None else currency(said, told.door.currency),
    )


def _order(cls: type[Ordered], told: Told, said: Said) -> Ordered:
    lines = tuple(_line(product) for product in _products(said))
    shipping = amount(said, "shipping") or _ZERO
    tax = amount(said, "tax") or _ZERO
    discount = amount(said, "discount") or _ZERO
    total = amount(said, "total", "value")
    if total is None:
        goods = amount(said, "subtotal", "revenue")
        if goods is None:
            if not lines or any(pick(p, "price", "unit_price") is None for p in _products(said)):
                raise MissingAmount
            sums = (line.quantity * line.unit_price - line.discount for line in lines)
            goods = max(sum(sums, _ZERO) - discount, _ZERO)
        total = bounded("total", goods + shipping + tax)
    return cls(
        number=needed_code(said, "order_id"),
        currency=currency(said, told.door.currency),
        lines=lines,
        total=total,
        shipping=shipping,
        tax=tax,
        discount=discount,
        coupon=code(said, "coupon", "coupon_id"),
        channel=code(said, "channel") or ("app" if told.message.channel == "mobile" else "web"),
    )


def _products(said: Said) -> list[Said]:
    products = pick(said, "products")
    if products is None:
        return []
    if not isinstance(products, list) or not all(isinstance(p, dict) for p in products):
        raise WrongType(why="products is not a list of objects")
    return products


def _product_id(product: Said) -> str:
    return needed_code(product, "product_id", "sku", "id", "name")


def _line(product: Said) -> Line:
    """Read a line; one without a price costs nothing, and the order's total tells."""
    quantity = amount(product, "quantity")
    quantity = _ONE if quantity is None else quantity
    price = amount(product, "price", "unit_price") or _ZERO
    bounded("price", price * quantity)
    return Line(
        product=_product_id(product),
        name=code(product, "name"),
        category=code(product, "category"),
        quantity=quantity,
        unit_price=price,
        discount=amount(product, "discount") or _ZERO,
        coupon=code(product, "coupon"),
    )


def _returned(product: Said) -> ReturnedLine | None:
    quantity = amount(product, "quantity")
    quantity = _ONE if quantity is None else quantity
    repaid = amount(product, "amount", "total")
    if repaid is None:
        price = amount(product, "price", "unit_price")
        if price is None:
            return None
        repaid = price * quantity - (amount(product, "discount") or _ZERO)
        repaid = bounded("price", max(repaid, _ZERO))
    return ReturnedLine(product=_product_id(product), quantity=quantity, amount=repaid)


TRANSLATIONS: Final[dict[str, Callable[[Told, Said], tuple[Event, ...]]]] = {
    "Order Placed": _placed,
    "Order Completed": _completed,
    "Order Updated": _revised,
    "Order Paid": _paid,
    "Order Shipped": _shipped,
    "Order Fulfilled": _shipped,
    "Order Delivered": _delivered,
    "Order Cancelled": _cancelled,
    "Order Refunded": _refunded,
}
"""What these events say of an order, beside being activity."""

REDEEMED: Final = "Coupon Redeemed"
