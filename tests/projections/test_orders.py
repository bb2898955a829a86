"""An order is told by its reports, whatever order they come in."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.order.events import (
    Line,
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRevised,
    OrderToldOfAnotherCustomer,
)
from domain.shared.events import Event, Fact
from projections.order_fold import combine, take, told
from projections.orders import NO_ORDER, Flag, OrderState
from tests.facts import fact_of

ORDER = UUID(int=7)
START = datetime(2024, 3, 1, tzinfo=UTC)


def at(day: float) -> datetime:
    return START + timedelta(days=day)


def fact(position: int, day: float, event: Event) -> Fact:
    return fact_of(
        event,
        position=position,
        stream=ORDER,
        origin=ORDER,
        occurred_at=at(day),
        recorded_at=at(1000),
    )


def tell(*said: tuple[float, Event]) -> OrderState:
    return told(fact(position, day, event) for position, (day, event) in enumerate(said, 1))


def placed(total: str, *lines: Line, currency: str = "USD") -> OrderPlaced:
    return OrderPlaced(number="1", currency=currency, total=Decimal(total), lines=lines)


def paid(amount: str, payment: str = "payment", currency: str = "USD") -> OrderPaid:
    return OrderPaid(payment=payment, amount=Decimal(amount), currency=currency)


def refunded(amount: str | None, refund: str = "refund", currency: str = "USD") -> OrderRefunded:
    money = None if amount is None else Decimal(amount)
    return OrderRefunded(refund=refund, amount=money, currency=currency)


def test_an_order_that_was_not_paid_is_no_purchase() -> None:
    order = tell((0, placed("30")))
    assert order.purchased_at is None
    assert not order.kept


def test_the_purchase_is_at_the_earliest_payment() -> None:
    order = tell((0, placed("30")), (3, paid("20", "b")), (2, paid("10", "a")))
    assert order.purchased_at == at(2)
    assert order.paid == 30


def test_a_payment_reported_twice_is_one_and_the_last_said_counts() -> None:
    order = tell((2, paid("31")), (1, paid("30")))
    assert order.paid == 31
    assert order.purchased_at == at(1)
    assert order.sums_at(at(1))["USD"].paid == 30


def test_what_is_revised_last_holds_whenever_it_was_recorded() -> None:
    revised = OrderRevised(number="1", currency="USD", total=Decimal(40))
    order = tell((5, revised), (0, placed("30")))
    assert order.terms is not None
    assert order.terms.total == 40
    assert order.placed_at == at(0)


def test_a_refund_without_amount_gives_back_all_that_was_paid() -> None:
    order = tell((0, paid("20", "a")), (1, paid("10", "b")), (2, refunded(None)))
    assert order.paid == order.refunded == 30
    assert order.net == 0
    assert order.kept_at(at(1.5))
    assert not order.kept


def test_a_whole_refund_after_a_partial_one_is_not_counted_on_top() -> None:
    order = tell((0, paid("30")), (1, refunded("10", "a")), (2, refunded(None, "b")))
    assert order.refunded == 30


def test_a_cancelled_order_stays_a_purchase_but_is_not_kept() -> None:
    order = tell((0, paid("30")), (4, OrderCancelled()))
    assert order.purchased_at == at(0)
    assert order.net == 30
    assert order.kept_at(at(3))
    assert not order.kept


def test_currencies_are_never_added_up() -> None:
    order = tell((0, placed("30")), (1, paid("30")), (1, paid("5", "b", currency="EUR")))
    assert order.paid == 30
    assert order.sums["EUR"].paid == 5
    assert order.flags() == (Flag.OTHER_CURRENCY,)


def test_a_refund_before_its_order_is_flagged_only_until_the_order_comes() -> None:
    refund = fact(1, 5, refunded("10"))
    assert told([refund]).flags() == (Flag.REFUND_WITHOUT_ORDER,)
    assert told([refund, fact(2, 0, placed("30")), fact(3, 0, paid("30"))]).flags() == ()


@pytest.mark.parametrize(
    ("order", "flag"),
    [
        (tell((0, placed("30")), (0, paid("30")), (1, refunded("31"))), Flag.REFUNDED_ABOVE_PAID),
        (tell((0, paid("30"))), Flag.PAYMENT_WITHOUT_ORDER),
        (tell((0, placed("30")), (0, paid("31"))), Flag.PAID_ABOVE_TOTAL),
        (
            tell((0, placed("30", Line(product="a", unit_price=Decimal(3))))),
            Flag.TOTAL_NOT_ITS_LINES,
        ),
    ],
)
def test_what_cannot_be_is_flagged(order: OrderState, flag: Flag) -> None:
    assert order.flags() == (flag,)


def test_an_order_told_of_somebody_else_is_flagged_until_they_turn_out_to_be_the_same() -> None:
    ada, bob = UUID(int=1), UUID(int=2)
    order = tell((0, placed("30")), (1, OrderToldOfAnotherCustomer(identity=bob)))
    assert order.flags(ada) == (Flag.TOLD_OF_ANOTHER_CUSTOMER,)
    assert order.flags(bob) == ()


def test_a_total_made_by_its_lines_shipping_tax_and_discounts_is_not_flagged() -> None:
    event = OrderPlaced(
        number="1",
        currency="USD",
        lines=(Line(product="a", quantity=Decimal(3), unit_price=Decimal(5), discount=Decimal(2)),),
        total=Decimal("15.5"),
        shipping=Decimal(3),
        tax=Decimal("0.5"),
        discount=Decimal(1),
    )
    assert tell((0, event)).flags() == ()


amounts = st.decimals(0, 100, places=2)
names = st.sampled_from(["a", "b"])
currencies = st.sampled_from(["USD", "EUR"])
events = st.one_of(
    st.builds(OrderPaid, payment=names, amount=amounts, currency=currencies),
    st.builds(OrderRefunded, refund=names, amount=st.none() | amounts, currency=currencies),
    st.builds(OrderPlaced, number=names, currency=currencies, total=amounts),
    st.builds(OrderRevised, number=names, currency=currencies, total=amounts),
    st.builds(OrderCancelled),
    st.builds(OrderToldOfAnotherCustomer, identity=st.integers(1, 3).map(lambda n: UUID(int=n))),
)
stories = st.lists(st.tuples(st.integers(0, 5), events), max_size=8).map(
    lambda said: [fact(position, day, event) for position, (day, event) in enumerate(said, 1)]
)


@given(stories, st.randoms(use_true_random=False))
def test_any_order_of_arrival_tells_the_same_order(story: list[Fact], random: Random) -> None:
    shuffled = list(story)
    random.shuffle(shuffled)
    assert told(shuffled) == told(story)


@given(stories, st.data())
def test_two_halves_of_an_order_combine_to_the_whole(
    story: list[Fact], data: st.DataObject
) -> None:
    mine = data.draw(st.sets(st.integers(1, 8)))
    one = told(f for f in story if f.position in mine)
    other = told(f for f in story if f.position not in mine)
    assert combine(one, other) == told(story)


@given(stories, st.integers(0, 5))
def test_asked_about_an_instant_nothing_later_counts(story: list[Fact], day: int) -> None:
    until = told(f for f in story if f.occurred_at <= at(day))
    assert told(story).sums_at(at(day)) == until.sums
    assert told(story).kept_at(at(day)) == until.kept


@given(stories)
def test_the_same_fact_delivered_again_changes_nothing(story: list[Fact]) -> None:
    order = told(story)
    for again in story:
        assert take(order, again) == order
    assert combine(order, order) == combine(order, NO_ORDER) == order
