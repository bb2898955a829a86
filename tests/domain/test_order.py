"""Orders: what was bought, and what is due."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.order import aggregate as refusals
from domain.order.aggregate import Order
from domain.order.events import (
    Line,
    OrderPaid,
    OrderPlaced,
    OrderRevised,
    OrderShipped,
)
from domain.shared.events import Event
from domain.shared.money import MixedCurrencies, UnknownCurrency
from domain.shared.refusals import Malformed, NotFound, Refused
from tests.domain.orders import (
    D,
    cancelled,
    delivered,
    paid,
    pay,
    placed,
    refund,
    revised,
    shipped,
    tea,
)
from tests.scenario import ID, of


def test_an_order_whose_parts_make_its_total_is_placed() -> None:
    of(Order).when(lambda o: o.place(placed)).then(placed)


def test_a_currency_is_kept_in_capitals() -> None:
    small = msgspec.structs.replace(placed, currency="usd")
    of(Order).when(lambda o: o.place(small)).then(placed)


def test_placing_the_same_order_twice_is_not_news() -> None:
    of(Order).given(placed).when(lambda o: o.place(placed)).then_nothing()


def test_placing_again_what_was_revised_since_is_not_news() -> None:
    of(Order).given(placed, revised).when(lambda o: o.place(placed)).then_nothing()


def test_a_number_stands_for_one_order() -> None:
    other = msgspec.structs.replace(placed, shipping=D(6), total=D(56))
    of(Order).given(placed).when(lambda o: o.place(other)).then_refused(
        refusals.PlacedOtherwise, "A-1"
    )


def test_an_order_may_be_placed_after_its_payment_was_reported() -> None:
    of(Order).given(paid).when(lambda o: o.place(placed)).then(placed)


def test_a_total_that_its_parts_do_not_make_is_refused_with_both_numbers() -> None:
    wrong = msgspec.structs.replace(placed, total=D("54.99"))
    of(Order).when(lambda o: o.place(wrong)).then_refused(
        refusals.WrongTotal, "A-1", "55", "54.99", "USD"
    )


@given(
    st.lists(
        st.builds(
            Line,
            product=st.sampled_from(["tea", "pot"]),
            quantity=st.decimals(D("0.001"), 100, places=3),
            unit_price=st.decimals(0, 1000, places=2),
        ),
        max_size=5,
    ),
    st.decimals(0, 100, places=2),
    st.decimals(0, 100, places=2),
)
def test_only_the_one_total_that_the_parts_make_is_taken(
    lines: list[Line], shipping: Decimal, tax: Decimal
) -> None:
    total = sum((li.quantity * li.unit_price for li in lines), D(0)) + shipping + tax
    order = OrderPlaced(
        number="A", currency="EUR", lines=tuple(lines), shipping=shipping, tax=tax, total=total
    )
    of(Order).when(lambda o: o.place(order)).then(order)
    more = msgspec.structs.replace(order, total=total + D("0.01"))
    of(Order).when(lambda o: o.place(more)).then_refused(refusals.WrongTotal)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"total": D("NaN")}, "total"),
        ({"total": D("Infinity")}, "total"),
        ({"shipping": D(-1)}, "shipping"),
        ({"tax": D(10) ** 13}, "tax"),
        ({"discount": D("1e-9")}, "discount"),
        ({"number": " "}, "number"),
        ({"lines": (Line(product="", unit_price=D(1)),)}, "lines[0].product"),
        ({"lines": (Line(product="x", quantity=D(0), unit_price=D(1)),)}, "lines[0].quantity"),
        ({"lines": (tea, Line(product="x", unit_price=D(-1)))}, "lines[1].unit_price"),
        ({"lines": (Line(product="x", unit_price=D(1), discount=D(2)),)}, "lines[0].discount"),
    ],
)
def test_amounts_that_cannot_be_are_malformed(change: dict[str, Any], field: str) -> None:
    bad = msgspec.structs.replace(placed, **change)
    of(Order).when(lambda o: o.place(bad)).then_refused(Malformed, field)


def test_an_unknown_currency_is_refused() -> None:
    bad = msgspec.structs.replace(placed, currency="DOLLARS")
    of(Order).when(lambda o: o.place(bad)).then_refused(UnknownCurrency, "DOLLARS")


def test_an_order_is_revised_and_keeps_its_number() -> None:
    other = msgspec.structs.replace(revised, number="B-2")
    of(Order).given(placed).when(lambda o: o.revise(other)).then(revised)


def test_revising_to_the_same_is_not_news() -> None:
    of(Order).given(placed, revised).when(lambda o: o.revise(revised)).then_nothing()


def test_revising_to_what_was_placed_is_not_news() -> None:
    same = OrderRevised(**msgspec.structs.asdict(placed))
    of(Order).given(placed).when(lambda o: o.revise(same)).then_nothing()


@pytest.mark.parametrize("gone", [shipped, delivered])
def test_what_was_sent_is_not_revised(gone: Event) -> None:
    of(Order).given(placed, gone).when(lambda o: o.revise(revised)).then_refused(refusals.Gone)


def test_an_order_is_not_revised_below_what_was_paid() -> None:
    of(Order).given(placed, paid).when(lambda o: o.revise(revised)).then_refused(
        refusals.BelowPaid, "30 USD", "55 is paid"
    )


def test_a_payment_up_to_what_is_due_is_taken() -> None:
    of(Order).given(placed).when(pay("55")).then(paid)


def test_a_payment_without_a_currency_is_in_the_orders() -> None:
    of(Order).given(placed).when(pay("55", currency=None)).then(paid)


def test_parts_are_paid_under_ids_of_their_own() -> None:
    first = OrderPaid(payment="p1", amount=D(15), currency="USD", method="card")
    of(Order).given(placed, first).when(pay("40", "p2")).then(
        OrderPaid(payment="p2", amount=D(40), currency="USD", method="card")
    )


def test_the_same_payment_twice_is_not_news() -> None:
    of(Order).given(placed, paid).when(pay("55.00")).then_nothing()


def test_the_same_payment_with_another_amount_is_refused() -> None:
    of(Order).given(placed, paid).when(pay("50")).then_refused(
        refusals.PaidOtherwise, "payment", "55 USD", "not 50"
    )


def test_more_than_is_due_is_refused_with_the_numbers() -> None:
    part = OrderPaid(payment="p1", amount=D(15), currency="USD")
    of(Order).given(placed, part).when(pay("40.01", "p2")).then_refused(
        refusals.PaidTooMuch, "A-1", "40 USD", "40.01", "15 of 55"
    )


def test_another_currency_is_refused() -> None:
    of(Order).given(placed).when(pay("55", currency="EUR")).then_refused(
        MixedCurrencies, "USD", "EUR"
    )


@pytest.mark.parametrize("amount", ["0", "-1", "NaN"])
def test_a_payment_is_above_nothing(amount: str) -> None:
    of(Order).given(placed).when(pay(amount)).then_refused(Malformed, "amount")


def test_an_order_is_shipped_in_as_many_parcels_as_it_takes() -> None:
    second = OrderShipped(carrier="DHL", tracking="T2")
    of(Order).given(placed, shipped).when(lambda o: o.ship("DHL", "T2")).then(second)


def test_shipping_the_same_parcel_twice_is_not_news() -> None:
    of(Order).given(placed, shipped, delivered).when(lambda o: o.ship("DHL", "T1")).then_nothing()


def test_nothing_is_shipped_after_delivery() -> None:
    of(Order).given(placed, delivered).when(lambda o: o.ship("DHL", "T2")).then_refused(
        refusals.Delivered, "A-1"
    )


def test_an_order_is_delivered() -> None:
    of(Order).given(placed, shipped).when(Order.deliver).then(delivered)


def test_delivering_twice_is_not_news() -> None:
    of(Order).given(placed, delivered).when(Order.deliver).then_nothing()


def test_an_order_is_cancelled() -> None:
    of(Order).given(placed, paid, shipped).when(lambda o: o.cancel("changed their mind")).then(
        cancelled
    )


def test_cancelling_twice_is_not_news() -> None:
    of(Order).given(placed, cancelled).when(lambda o: o.cancel(None)).then_nothing()


def test_what_was_delivered_is_not_cancelled() -> None:
    of(Order).given(placed, delivered).when(lambda o: o.cancel(None)).then_refused(
        refusals.Delivered, "A-1"
    )


@pytest.mark.parametrize(
    "ask", [pay("55"), lambda o: o.ship(None, None), Order.deliver, lambda o: o.revise(revised)]
)
def test_nothing_more_is_done_for_a_cancelled_order(ask: Callable[[Order], None]) -> None:
    of(Order).given(placed, cancelled).when(ask).then_refused(refusals.Cancelled, "A-1")


@pytest.mark.parametrize(
    "ask",
    [
        pay("1"),
        lambda o: o.ship(None, None),
        Order.deliver,
        lambda o: o.cancel(None),
        refund(),
        lambda o: o.revise(revised),
    ],
)
def test_nothing_is_asked_of_an_order_that_was_not_placed(ask: Callable[[Order], None]) -> None:
    of(Order).given(paid).when(ask).then_refused(NotFound, "order", str(ID))


amounts = st.decimals(D("0.01"), 80, places=2)
asks = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.sampled_from("abc"), amounts),
        st.tuples(st.just("refund"), st.sampled_from("abc"), st.none() | amounts),
        st.tuples(st.just("cancel"), st.none(), st.none()),
    ),
    max_size=12,
)


@given(asks)
def test_never_more_comes_in_than_is_due_nor_goes_back_than_came_in(
    asked: list[tuple[str, Any, Any]],
) -> None:
    order = Order.after(ID, [placed])
    for what, which, amount in asked:
        try:
            if what == "pay":
                order.pay(which, amount, None, None)
            elif what == "refund":
                order.refund(which, amount, None)
            else:
                order.cancel(None)
        except Refused:
            pass
        assert D(0) <= order.refunded <= order.paid <= placed.total
    again = Order.after(ID, [placed, *(d.event for d in order.collect_events())])
    assert (again.paid, again.refunded, again.version) == (
        order.paid,
        order.refunded,
        order.version,
    )
