"""What happens to orders. A shop's reports are recorded as said, in whatever order they come."""

from decimal import Decimal
from uuid import UUID

from domain.shared.events import Event, Value, fact
from domain.shared.personal import Personal


class Line(Value, frozen=True, kw_only=True):
    """One product in an order. Amount of the line: quantity × unit_price − discount."""

    product: str
    name: str | None = None
    category: str | None = None
    quantity: Decimal = Decimal(1)
    unit_price: Decimal
    discount: Decimal = Decimal(0)
    coupon: str | None = None


class ReturnedLine(Value, frozen=True, kw_only=True):
    """One product given back, and what was repaid for it."""

    product: str
    quantity: Decimal = Decimal(1)
    amount: Decimal


@fact("order.placed")
class OrderPlaced(Event, frozen=True, kw_only=True):
    """A customer ordered. `total` is what the shop says it comes to, shipping and tax included."""

    number: str
    currency: str
    lines: tuple[Line, ...] = ()
    total: Decimal
    shipping: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    coupon: str | None = None
    channel: str = "web"


@fact("order.revised")
class OrderRevised(Event, frozen=True, kw_only=True):
    """The order was put anew: these are its lines and its total from now on."""

    number: str
    currency: str
    lines: tuple[Line, ...] = ()
    total: Decimal
    shipping: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    coupon: str | None = None
    channel: str = "web"


@fact("order.paid")
class OrderPaid(Event, frozen=True, kw_only=True):
    """Money came in. The same payment reported twice is one payment: the last said counts."""

    payment: str = "payment"
    amount: Decimal
    currency: str
    method: str | None = None


@fact("order.told-of-another-customer")
class OrderToldOfAnotherCustomer(Event, frozen=True, kw_only=True):
    """The shop told of this order as somebody else's. It stays whose it was, with what was told."""

    identity: UUID


@fact("order.shipped")
class OrderShipped(Event, frozen=True, kw_only=True):
    """The goods left."""

    carrier: str | None = None
    tracking: Personal[str | None] = None


@fact("order.delivered")
class OrderDelivered(Event, frozen=True, kw_only=True):
    """The goods arrived."""


@fact("order.cancelled")
class OrderCancelled(Event, frozen=True, kw_only=True):
    """The order was called off. What was paid stays paid until it is refunded."""

    reason: Personal[str | None] = None


@fact("order.refunded")
class OrderRefunded(Event, frozen=True, kw_only=True):
    """Money went back, wholly or for some lines. The same refund reported twice is one refund.

    `amount` None: all that was paid.
    """

    refund: str = "refund"
    amount: Decimal | None = None
    currency: str
    lines: tuple[ReturnedLine, ...] = ()
    reason: Personal[str | None] = None
