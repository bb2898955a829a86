"""A redemption: one use of a coupon, once for an order or for a customer."""

from uuid import UUID

import msgspec

from domain.coupon.events import CouponRedeemed
from domain.shared.aggregate import Root
from domain.shared.events import Event
from domain.shared.money import LARGEST, currency
from domain.shared.refusals import Malformed, Refused
from domain.shared.text import text


class RedeemedOtherwise(Refused):
    """Coupon {code} was redeemed here already: for {known}, not for {amount}."""


class Redemption(Root):
    """One use of one coupon."""

    facts = ("coupon",)

    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.redeemed: CouponRedeemed | None = None

    def redeem(self, asked: CouponRedeemed) -> None:
        asked = _checked(asked)
        if self.redeemed is None:
            self.record(asked)
        elif asked != self.redeemed:
            raise RedeemedOtherwise(
                code=asked.code, known=_worth(self.redeemed), amount=_worth(asked)
            )

    def evolve(self, event: Event) -> None:
        match event:
            case CouponRedeemed():
                self.redeemed = event


def _checked(asked: CouponRedeemed) -> CouponRedeemed:
    if (asked.amount is None) != (asked.currency is None):
        raise Malformed(field="amount", why="needs a currency, and a currency an amount")
    if asked.amount is not None and not (asked.amount.is_finite() and 0 <= asked.amount <= LARGEST):
        raise Malformed(field="amount", why=f"is {asked.amount}, not 0 to {LARGEST}")
    return msgspec.structs.replace(
        asked,
        code=text("code", asked.code),
        currency=None if asked.currency is None else currency(asked.currency),
    )


def _worth(redeemed: CouponRedeemed) -> str:
    if redeemed.amount is None:
        return "an unknown amount"
    return f"{redeemed.amount} {redeemed.currency}"
