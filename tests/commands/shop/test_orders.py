"""What a shop says of orders and coupons, and the facts that it becomes."""

from decimal import Decimal
from typing import Any

import pytest

from commands.shop.activity import TRADE
from domain.activity.events import Reported, Tracked
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
from tests.commands.shop.shops import Shop, track

TEA = {"product_id": "t1", "name": "Green tea", "category": "Tea", "price": 9.95, "quantity": 2}
TEA_LINE = Line(
    product="t1",
    name="Green tea",
    category="Tea",
    quantity=Decimal(2),
    unit_price=Decimal("9.95"),
)


def told(shop: Shop, event: str, **properties: Any) -> list[Event]:
    """Return what is said of the order, without the activity."""
    return shop.told(track(event, **properties))[1:]


def test_an_order_completed_is_placed_and_paid_at_once(shop: Shop) -> None:
    placed, paid = told(
        shop,
        "Order Completed",
        order_id="o1",
        total=25.4,
        shipping=4,
        tax="1.50",
        discount=0.5,
        coupon="SPRING",
        currency="eur",
        payment_method="card",
        products=[TEA],
    )
    assert placed == OrderPlaced(
        number="o1",
        currency="EUR",
        lines=(TEA_LINE,),
        total=Decimal("25.4"),
        shipping=Decimal(4),
        tax=Decimal("1.50"),
        discount=Decimal("0.5"),
        coupon="SPRING",
    )
    assert paid == OrderPaid(amount=Decimal("25.4"), currency="EUR", method="card")


def test_an_order_placed_is_not_paid(shop: Shop) -> None:
    assert told(shop, "Order Placed", order_id="o1", total=3) == [
        OrderPlaced(number="o1", currency="USD", total=Decimal(3))
    ]


def test_an_order_updated_is_put_anew(shop: Shop) -> None:
    assert told(shop, "Order Updated", order_id="o1", total=19.9, products=[TEA]) == [
        OrderRevised(number="o1", currency="USD", lines=(TEA_LINE,), total=Decimal("19.9"))
    ]


@pytest.mark.parametrize(
    ("event", "properties", "expected"),
    [
        (
            "Order Paid",
            {"amount": 5, "payment_id": "p9"},
            OrderPaid(payment="p9", amount=Decimal(5), currency="USD"),
        ),
        (
            "Order Shipped",
            {"carrier": "SF", "tracking_number": 123},
            OrderShipped(carrier="SF", tracking="123"),
        ),
        ("Order Fulfilled", {}, OrderShipped()),
        ("Order Delivered", {}, OrderDelivered()),
        ("Order Cancelled", {"reason": "late"}, OrderCancelled(reason="late")),
        ("Order Canceled", {}, OrderCancelled()),
        ("order cancelled", {}, OrderCancelled()),
    ],
)
def test_the_way_of_an_order_is_told(
    shop: Shop, event: str, properties: dict[str, Any], expected: Event
) -> None:
    assert told(shop, event, order_id="o1", **properties) == [expected]


def test_a_refund_without_an_amount_is_of_all_that_was_paid(shop: Shop) -> None:
    assert told(shop, "Order Refunded", order_id="o1") == [OrderRefunded(currency="USD")]


def test_a_refund_of_lines_is_of_these_lines(shop: Shop) -> None:
    assert told(shop, "Order Refunded", order_id="o1", products=[TEA]) == [
        OrderRefunded(
            refund="refund t1",
            amount=Decimal("19.90"),
            currency="USD",
            lines=(ReturnedLine(product="t1", quantity=Decimal(2), amount=Decimal("19.90")),),
        )
    ]


def test_blanks_around_a_number_are_not_part_of_it(shop: Shop) -> None:
    plain, wide = (shop.hears(track("Order Delivered", order_id=n)) for n in ("7", " 7\n"))
    assert plain.facts[-1].stream == wide.facts[-1].stream


def test_a_refund_keeps_its_own_id(shop: Shop) -> None:
    (refund,) = told(shop, "Order Refunded", order_id="o1", refund_id="r7", total=3)
    assert refund == OrderRefunded(refund="r7", amount=Decimal(3), currency="USD")


def test_a_coupon_redeemed_names_its_campaign_and_order(shop: Shop) -> None:
    used = {"coupon_id": "C5", "campaign_id": "18", "order_id": "o1", "discount": 1.5}
    redeemed = shop.hears(track("Coupon Redeemed", **used)).facts[-1]
    assert redeemed.event == CouponRedeemed(
        code="C5",
        campaign=shop.ids.campaign("tea", "18"),
        order=shop.ids.order("tea", "o1"),
        amount=Decimal("1.5"),
        currency="USD",
    )
    assert redeemed.first
    assert redeemed.stream == shop.ids.redemption("tea", "C5", shop.ids.order("tea", "o1"))


def test_without_an_order_each_message_tells_of_a_use_of_its_own(shop: Shop) -> None:
    uses = [
        shop.hears(track("Coupon Redeemed", coupon_id="C5") | {"messageId": message}).facts[-1]
        for message in ("m1", "m2")
    ]
    assert uses[0].event == uses[1].event
    assert uses[0].stream != uses[1].stream


@pytest.mark.parametrize(
    ("properties", "total"),
    [
        ({"total": 7, "revenue": 5, "tax": 1}, "7"),
        ({"value": 7}, "7"),
        ({"revenue": 5, "tax": 1, "shipping": 2}, "8"),
        ({"subtotal": 5, "shipping": 2}, "7"),
        ({"products": [TEA], "shipping": 2, "discount": 1}, "20.90"),
        ({"products": [{**TEA, "discount": 0.9}]}, "19.00"),
        ({"total": 0}, "0"),
    ],
)
def test_the_total_is_said_or_follows(shop: Shop, properties: dict[str, Any], total: str) -> None:
    placed, _ = told(shop, "Order Completed", order_id="o1", **properties)
    assert isinstance(placed, OrderPlaced)
    assert str(placed.total) == total


def test_amounts_are_exact(shop: Shop) -> None:
    raw = (
        b'{"type":"track","userId":"42","event":"Order Completed","properties":'
        b'{"order_id":"o1","total":123456789012.34567891,"tax":0.10,"shipping":19.900000000000002}}'
    )
    placed = shop.told(raw)[1]
    assert isinstance(placed, OrderPlaced)
    assert str(placed.total) == "123456789012.34567891"
    assert str(placed.tax) == "0.10"
    assert str(placed.shipping) == "19.9", "the dust of binary fractions is brushed off"


def test_both_spellings_of_names_are_understood(shop: Shop) -> None:
    camel = {"orderId": 7, "total": 3, "products": [{"productId": "t1", "unitPrice": 3}]}
    snake = {"order_id": "7", "total": 3, "products": [{"product_id": "t1", "unit_price": 3}]}
    assert told(shop, "Order Completed", **camel) == told(shop, "Order Completed", **snake)


def test_a_shops_own_currency_is_meant_when_none_is_named(shop: Shop) -> None:
    order = track("Order Completed", order_id="o1", total=3)
    assert shop.told(order, currency="CNY")[1] == OrderPlaced(
        number="o1", currency="CNY", total=Decimal(3)
    )


def test_an_order_is_recorded_even_if_its_lines_have_no_price(shop: Shop) -> None:
    placed, _ = told(shop, "Order Completed", order_id="o1", total=3, products=[{"sku": "t1"}])
    assert isinstance(placed, OrderPlaced)
    assert placed.lines == (Line(product="t1", unit_price=Decimal(0)),)


def test_facts_of_an_order_go_to_its_stream_and_the_message_has_its_own(shop: Shop) -> None:
    heard = shop.hears(track("Order Completed", order_id="o1", total=3))
    order, message = shop.ids.order("tea", "o1"), shop.ids.message("tea", "site", "m1")
    assert [(type(fact.event).__name__, fact.stream) for fact in heard.facts] == [
        ("Tracked", message),
        ("CustomerRegistered", None),
        ("OrderPlaced", order),
        ("OrderPaid", order),
        ("OrderToldOfAnotherCustomer", order),
    ]
    assert heard.facts[-1].of_another
    assert heard.causation == message
    assert heard.message is not None
    assert heard.message.id == message
    assert {fact.who.user for fact in heard.facts if fact.who} == {shop.user("42")}


def test_an_order_is_activity_too_and_its_lines_are_kept_once(shop: Shop) -> None:
    activity = shop.told(track("order completed", order_id="o1", total=3.5, products=[TEA]))[0]
    assert isinstance(activity, Tracked)
    assert activity.name == "Order Completed"
    assert activity.properties == {"order_id": "o1", "total": 3.5}


@pytest.mark.parametrize("about", [{"system": True}, {"context": {"reportedBy": "system"}}])
def test_what_a_system_reports_is_nobodys_activity(shop: Shop, about: dict[str, Any]) -> None:
    activity, *facts = shop.told(track("Order Paid", order_id="o1", amount=3), **about)
    assert isinstance(activity, Reported)
    assert activity.name == "Order Paid"
    assert activity.private
    assert facts == [OrderPaid(amount=Decimal(3), currency="USD")]


@pytest.mark.parametrize("event", ["Coupon Applied", "Product Viewed", "Cart Viewed", "Danced"])
def test_other_events_are_activity_alone(shop: Shop, event: str) -> None:
    (activity,) = shop.told(track(event, order_id="o1", coupon="SPRING"))
    assert isinstance(activity, Tracked)
    assert activity.name == event


def test_names_of_the_trade_are_spelled_as_the_trade_does(shop: Shop) -> None:
    for name in TRADE:
        activity = shop.told(track(name.upper(), order_id="o1", total=1, coupon="C"))[0]
        assert isinstance(activity, Tracked)
        assert activity.name == name
