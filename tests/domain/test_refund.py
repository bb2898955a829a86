"""Refunds: never above what was paid and not yet given back."""

import pytest

from domain.order import aggregate as refusals
from domain.order.aggregate import Order
from domain.order.events import (
    OrderRefunded,
)
from tests.domain.orders import D, back, cancelled, paid, placed, refund, refunded
from tests.scenario import of


def test_all_that_was_paid_goes_back() -> None:
    of(Order).given(placed, paid, cancelled).when(refund()).then(
        OrderRefunded(amount=D(55), currency="USD")
    )


def test_all_that_is_left_goes_back() -> None:
    of(Order).given(placed, paid, refunded).when(refund(refund="r2")).then(
        OrderRefunded(refund="r2", amount=D(35), currency="USD")
    )


def test_an_amount_goes_back() -> None:
    of(Order).given(placed, paid).when(refund("20", "r1", "usd")).then(refunded)


def test_lines_go_back() -> None:
    lines = (back("tea", "1", "9.5"), back("pot", "1", "30"))
    of(Order).given(placed, paid).when(refund(refund="r1", lines=lines)).then(
        OrderRefunded(refund="r1", amount=D("39.5"), currency="USD", lines=lines)
    )


def test_the_same_refund_twice_is_not_news() -> None:
    of(Order).given(placed, paid, refunded).when(refund("20", "r1")).then_nothing()


def test_the_whole_refund_asked_twice_is_not_news() -> None:
    whole = OrderRefunded(amount=D(55), currency="USD")
    of(Order).given(placed, paid, whole).when(refund()).then_nothing()


def test_the_same_refund_with_another_amount_is_refused() -> None:
    of(Order).given(placed, paid, refunded).when(refund("21", "r1")).then_refused(
        refusals.RefundedOtherwise, "r1", "20 USD", "not 21"
    )


def test_more_than_was_paid_is_refused_with_the_numbers() -> None:
    of(Order).given(placed, paid, refunded).when(refund("35.01", "r2")).then_refused(
        refusals.RefundedTooMuch, "A-1", "35 USD", "35.01", "20 of 55"
    )


@pytest.mark.parametrize("amount", [None, "1"])
def test_nothing_goes_back_of_what_was_not_paid(amount: str | None) -> None:
    of(Order).given(placed).when(refund(amount)).then_refused(refusals.RefundedTooMuch, "0 of 0")


def test_a_reported_refund_without_an_amount_was_all_that_was_paid() -> None:
    whole = OrderRefunded(refund="shop", currency="USD")
    of(Order).given(placed, paid, whole).when(refund("1", "r2")).then_refused(
        refusals.RefundedTooMuch, "0 USD", "55 of 55"
    )


def test_lines_that_do_not_make_the_refund_are_refused() -> None:
    of(Order).given(placed, paid).when(refund("10", lines=(back("tea", "1", "9.5"),))).then_refused(
        refusals.ReturnsDoNotAddUp, "9.5 USD", "10"
    )


def test_no_more_comes_back_than_was_ordered() -> None:
    one = OrderRefunded(refund="r1", amount=D(9), currency="USD", lines=(back("tea", "1", "9"),))
    of(Order).given(placed, paid, one).when(
        refund(refund="r2", lines=(back("tea", "2", "18"),))
    ).then_refused(refusals.ReturnedTooMany, "tea", "1", "not 2", "2 ordered")


def test_what_was_never_ordered_does_not_come_back() -> None:
    of(Order).given(placed, paid).when(refund(lines=(back("cup", "1", "4"),))).then_refused(
        refusals.ReturnedTooMany, "cup", "0 ordered"
    )
