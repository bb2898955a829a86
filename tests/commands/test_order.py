"""Orders are asked for by their number, and decided on by what is known of them."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from commands.coupon import RedeemCoupon
from commands.lifecycle import AdoptPolicy
from commands.order import (
    CancelOrder,
    DeliverOrder,
    RefundOrder,
    ReviseOrder,
    ShipOrder,
)
from commands.work import Command
from domain.coupon.aggregate import RedeemedOtherwise
from domain.coupon.events import CouponRedeemed
from domain.lifecycle.events import LifecyclePolicyAdopted
from domain.order.aggregate import PlacedForAnother
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
from domain.shared.log import Append, Draft, Recognition, Who
from infra.event_store import EventLog
from tests.commands.desk import ADA, BO, IDS, LIN, NOON, ORDER, Ask, Facts, events, pay, place

tea = ReturnedLine(product="tea", amount=Decimal(10))
more = (Line(product="tea", quantity=Decimal(3), unit_price=Decimal(10)),)


@pytest.mark.parametrize(
    ("command", "fact"),
    [
        (
            ReviseOrder(order=ORDER, currency="USD", lines=more, total=Decimal(30)),
            OrderRevised(number="A-1", currency="USD", lines=more, total=Decimal(30)),
        ),
        (
            ShipOrder(order=ORDER, carrier="DHL", tracking="T1"),
            OrderShipped(carrier="DHL", tracking="T1"),
        ),
        (DeliverOrder(order=ORDER), OrderDelivered()),
        (CancelOrder(order=ORDER, reason="late"), OrderCancelled(reason="late")),
        (RefundOrder(order=ORDER), OrderRefunded(amount=Decimal(20), currency="USD")),
        (
            RefundOrder(order=ORDER, refund="r1", lines=(tea,), reason="stale"),
            OrderRefunded(
                refund="r1", amount=Decimal(10), currency="USD", lines=(tea,), reason="stale"
            ),
        ),
    ],
    ids=lambda p: type(p).__name__,
)
def test_each_command_is_its_fact_once(
    ask: Ask, facts: Facts, command: Command, fact: Event
) -> None:
    ask(place)
    ask(pay)
    assert ask(command).recorded == 1
    assert ask(command).recorded == 0
    assert events(facts())[2:] == [fact]


def test_an_order_whose_payment_was_reported_first_can_be_placed(
    ask: Ask, facts: Facts, event_log: EventLog
) -> None:
    reported = Draft(
        event=OrderPaid(amount=Decimal(20), currency="USD"),
        occurred_at=NOON,
        who=Who(),
        stream=ORDER,
    )
    event_log.append(Append(facts=(reported,), actor=LIN, shop="shop", source="erp"))
    ask(place)
    assert ask(pay).recorded == 0
    placed = facts()[-1]
    assert (placed.type, placed.stream, placed.subject) == ("order.placed", ORDER, ADA)


def test_an_order_is_not_placed_again_for_another_customer(ask: Ask, facts: Facts) -> None:
    ask(place)
    with pytest.raises(PlacedForAnother, match="A-1"):
        ask(msgspec.structs.replace(place, customer=BO))
    for same in (ADA, None):
        assert ask(msgspec.structs.replace(place, customer=same)).recorded == 0
    assert len(facts()) == 1


def test_an_order_whose_payment_was_anothers_is_not_placed_over_it(
    ask: Ask, facts: Facts, event_log: EventLog
) -> None:
    paid = OrderPaid(amount=Decimal(20), currency="USD")
    report = Draft(event=paid, occurred_at=NOON, who=Who(user=BO), stream=ORDER)
    event_log.append(Append(facts=(report,), actor=LIN, shop="shop", source="erp"))
    with pytest.raises(PlacedForAnother):
        ask(place)
    assert len(facts()) == 1


def test_an_order_of_a_visitor_is_theirs_once_they_are_recognised(
    ask: Ask, event_log: EventLog
) -> None:
    visitor = IDS.anonymous("shop", "v1")
    placed = OrderPlaced(number="A-1", currency="USD", lines=place.lines, total=place.total)
    report = Draft(event=placed, occurred_at=NOON, who=Who(anonymous=visitor), stream=ORDER)
    event_log.append(Append(facts=(report,), actor=LIN, shop="shop", source="site"))
    with pytest.raises(PlacedForAnother):
        ask(place)
    paid = Draft(
        event=OrderPaid(amount=Decimal(20), currency="USD"),
        occurred_at=NOON,
        who=Who(user=ADA, anonymous=visitor),
        stream=ORDER,
    )
    known = Recognition(visitor=visitor, user=ADA, occurred_at=NOON)
    event_log.append(
        Append(facts=(paid,), recognition=known, actor=LIN, shop="shop", source="site")
    )
    assert ask(place).recorded == 0
    with pytest.raises(PlacedForAnother):
        ask(msgspec.structs.replace(place, customer=BO))


def test_of_what_was_reported_the_last_that_was_said_counts(
    ask: Ask, facts: Facts, event_log: EventLog
) -> None:
    ask(place)
    for amount, hours in ((20, 2), (12, 3)):
        said = OrderPaid(amount=Decimal(amount), currency="USD")
        at = NOON - timedelta(hours=hours)
        report = Draft(event=said, occurred_at=at, who=Who(), stream=ORDER)
        event_log.append(Append(facts=(report,), actor=LIN, shop="shop", source="erp"))
    ask(RefundOrder(order=ORDER))
    assert events(facts())[-1] == OrderRefunded(amount=Decimal(20), currency="USD")


def test_a_coupon_is_redeemed_once_for_an_order(ask: Ask, facts: Facts) -> None:
    redeem = RedeemCoupon(code="TEA5", customer=ADA, order=ORDER, amount=Decimal(5), currency="USD")
    assert ask(redeem).recorded == 1
    assert ask(redeem).recorded == 0
    with pytest.raises(RedeemedOtherwise, match="TEA5"):
        ask(RedeemCoupon(code="TEA5", customer=ADA, order=ORDER))
    (fact,) = facts()
    assert fact.event == CouponRedeemed(code="TEA5", order=ORDER, amount=Decimal(5), currency="USD")
    assert fact.subject == ADA


def test_a_coupon_without_an_order_is_redeemed_once_by_each(ask: Ask, facts: Facts) -> None:
    for customer in (ADA, BO, ADA):
        ask(RedeemCoupon(code="TEA5", customer=customer))
    assert [f.subject for f in facts()] == [ADA, BO]
    ask(RedeemCoupon(code="TEA5", customer=ADA, use="second visit"))
    assert len(facts()) == 3


def test_a_policy_is_adopted_for_nobody_in_particular(ask: Ask, facts: Facts) -> None:
    adopt = AdoptPolicy(new_days=60, silent_after_days=45, lost_after_days=120, won_back_days=14)
    assert ask(adopt).recorded == 1
    assert ask(adopt).recorded == 0
    (fact,) = facts()
    assert fact.event == LifecyclePolicyAdopted(
        new_days=60, silent_after_days=45, lost_after_days=120, won_back_days=14
    )
    assert (fact.origin, fact.subject) == (None, None)
