"""Coupons: used once in a place."""

from decimal import Decimal

import pytest

from domain.coupon.aggregate import RedeemedOtherwise, Redemption
from domain.coupon.events import CouponRedeemed
from domain.shared.money import UnknownCurrency
from domain.shared.refusals import Malformed
from tests.scenario import of

redeemed = CouponRedeemed(code="TEA5", amount=Decimal(5), currency="USD")


def test_a_coupon_is_redeemed() -> None:
    asked = CouponRedeemed(code=" TEA5 ", amount=Decimal("5.00"), currency="usd")
    of(Redemption).when(lambda r: r.redeem(asked)).then(redeemed)


def test_redeeming_twice_is_not_news() -> None:
    of(Redemption).given(redeemed).when(lambda r: r.redeem(redeemed)).then_nothing()


@pytest.mark.parametrize(
    ("other", "worth"),
    [
        (CouponRedeemed(code="TEA5", amount=Decimal(6), currency="USD"), "6 USD"),
        (CouponRedeemed(code="TEA5"), "an unknown amount"),
    ],
)
def test_the_same_use_for_another_amount_is_refused(other: CouponRedeemed, worth: str) -> None:
    of(Redemption).given(redeemed).when(lambda r: r.redeem(other)).then_refused(
        RedeemedOtherwise, "TEA5", "5 USD", worth
    )


@pytest.mark.parametrize(
    "bad",
    [
        CouponRedeemed(code=" "),
        CouponRedeemed(code="X", amount=Decimal(1)),
        CouponRedeemed(code="X", currency="USD"),
        CouponRedeemed(code="X", amount=Decimal(-1), currency="USD"),
        CouponRedeemed(code="X", amount=Decimal("NaN"), currency="USD"),
    ],
)
def test_what_cannot_be_is_malformed(bad: CouponRedeemed) -> None:
    of(Redemption).when(lambda r: r.redeem(bad)).then_refused(Malformed)


def test_an_unknown_currency_is_refused() -> None:
    bad = CouponRedeemed(code="X", amount=Decimal(1), currency="XXX")
    of(Redemption).when(lambda r: r.redeem(bad)).then_refused(UnknownCurrency, "XXX")
