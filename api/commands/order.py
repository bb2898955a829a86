"""Commands about orders, and coupons used for them."""

from decimal import Decimal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from api.commands.deps import LARGEST_BODY, TOLD, Amount, Body, Name, Text, TheDesk, receipt_of
from api.parameters import OrderId
from commands.coupon import RedeemCoupon
from commands.order import (
    CancelOrder,
    DeliverOrder,
    PayOrder,
    PlaceOrder,
    RefundOrder,
    ReviseOrder,
    ShipOrder,
)
from domain.order import events

router = APIRouter(
    prefix="/api/orders", tags=["orders"], responses=TOLD, max_body_size=LARGEST_BODY
)
coupons = APIRouter(
    prefix="/api/coupons", tags=["orders"], responses=TOLD, max_body_size=LARGEST_BODY
)


class Line(Body):
    """One product; its amount is quantity × unit_price − discount."""

    product: Text = Field(examples=["tea-01"])
    name: Text | None = Field(None, examples=["Oolong, 100 g"])
    category: Text | None = Field(None, examples=["tea"])
    quantity: Amount = Decimal(1)
    unit_price: Amount = Field(examples=["21.25"])
    discount: Amount = Decimal(0)
    coupon: Text | None = None


class Contents(Body):
    """What is ordered, and what it comes to."""

    currency: Text | None = Field(None, examples=["USD"], description="The key's, if left out.")
    lines: list[Line] = Field(
        max_length=2000,
        examples=[[{"product": "tea-01", "quantity": "2", "unit_price": "21.25"}]],
    )
    total: Amount = Field(examples=["42.50"])
    shipping: Amount = Decimal(0)
    tax: Amount = Decimal(0)
    discount: Amount = Decimal(0)
    coupon: Text | None = None
    channel: Text = "web"

    def values(self) -> tuple[events.Line, ...]:
        return tuple(events.Line(**line.model_dump()) for line in self.lines)


class Placement(Contents):
    """An order, by the shop's own number; whose it is, if that is known."""

    number: Text = Field(min_length=1, max_length=200, examples=["1001"])
    customer: UUID | None = None


class Payment(Body):
    """Money that came in. Without an id it is the order's one payment."""

    payment: Text = Field("payment", examples=["charge-77"])
    amount: Amount = Field(examples=["42.50"])
    currency: Text | None = Field(None, description="The order's, if left out.")
    method: Text | None = Field(None, examples=["card"])


class Shipment(Body):
    """How the goods travel."""

    carrier: Text | None = Field(None, examples=["DHL"])
    tracking: Text | None = None


class Reason(Body):
    """Why, in a word."""

    reason: Text | None = Field(None, examples=["changed their mind"])


class Returned(Body):
    """One product given back."""

    product: Text
    quantity: Amount = Decimal(1)
    amount: Amount


class Refund(Body):
    """An amount, the sum of some lines, or (neither given) all that is left."""

    refund: Text = Field("refund", examples=["refund-1"])
    amount: Amount | None = Field(None, examples=["21.25"])
    currency: Text | None = None
    lines: list[Returned] = Field([], max_length=2000)
    reason: Text | None = None


class Redemption(Body):
    """Who used it; for which order, and what it took off."""

    customer: UUID
    order: UUID | None = None
    campaign: UUID | None = None
    amount: Amount | None = Field(None, examples=["5.00"])
    currency: Text | None = None
    use: Text = Field("", description="Tells several uses without an order apart.")


@router.post("", status_code=201, summary="Place an order", responses=receipt_of(201))
def place(body: Placement, desk: TheDesk) -> Response:
    """Order something, for a customer if one is known."""
    return desk.creates(
        PlaceOrder(
            number=body.number,
            customer=body.customer,
            currency=body.currency or desk.currency,
            lines=body.values(),
            total=body.total,
            shipping=body.shipping,
            tax=body.tax,
            discount=body.discount,
            coupon=body.coupon,
            channel=body.channel,
        ),
        "/api/orders",
    )


@router.put("/{id}", status_code=202, summary="Put an order anew", responses=receipt_of(202))
def revise(id: OrderId, body: Contents, desk: TheDesk) -> Response:
    """Let these be its lines and its total from now on."""
    return desk.takes(
        ReviseOrder(
            order=id,
            currency=body.currency or desk.currency,
            lines=body.values(),
            total=body.total,
            shipping=body.shipping,
            tax=body.tax,
            discount=body.discount,
            coupon=body.coupon,
            channel=body.channel,
        )
    )


@router.post("/{id}/payments", status_code=202, summary="Pay", responses=receipt_of(202))
def pay(id: OrderId, body: Payment, desk: TheDesk) -> Response:
    """Take a payment. The same payment twice is one."""
    return desk.takes(
        PayOrder(
            order=id,
            payment=body.payment,
            amount=body.amount,
            currency=body.currency,
            method=body.method,
        )
    )


@router.post("/{id}/shipment", status_code=202, summary="Ship", responses=receipt_of(202))
def ship(id: OrderId, body: Shipment, desk: TheDesk) -> Response:
    """Send the goods, or some of them."""
    return desk.takes(ShipOrder(order=id, carrier=body.carrier, tracking=body.tracking))


@router.post("/{id}/delivery", status_code=202, summary="Deliver", responses=receipt_of(202))
def deliver(id: OrderId, desk: TheDesk) -> Response:
    """Say that the goods arrived."""
    return desk.takes(DeliverOrder(order=id))


@router.post("/{id}/cancellation", status_code=202, summary="Cancel", responses=receipt_of(202))
def cancel(id: OrderId, body: Reason, desk: TheDesk) -> Response:
    """Call an order off. What was paid is given back by a refund."""
    return desk.takes(CancelOrder(order=id, reason=body.reason))


@router.post("/{id}/refunds", status_code=202, summary="Refund", responses=receipt_of(202))
def refund(id: OrderId, body: Refund, desk: TheDesk) -> Response:
    """Give money back; never more than was paid."""
    return desk.takes(
        RefundOrder(
            order=id,
            refund=body.refund,
            amount=body.amount,
            currency=body.currency,
            lines=tuple(events.ReturnedLine(**line.model_dump()) for line in body.lines),
            reason=body.reason,
        )
    )


@coupons.post(
    "/{code}/redemptions", status_code=202, summary="Redeem a coupon", responses=receipt_of(202)
)
def redeem(code: Name, body: Redemption, desk: TheDesk) -> Response:
    """Use a coupon: once for an order, and without an order once for a customer."""
    return desk.takes(
        RedeemCoupon(
            code=code,
            customer=body.customer,
            order=body.order,
            campaign=body.campaign,
            amount=body.amount,
            currency=body.currency,
            use=body.use,
        )
    )
