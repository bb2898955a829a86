"""What can be asked of a coupon."""

from decimal import Decimal
from uuid import UUID

from commands.work import Command, Work, handles
from domain.coupon.aggregate import Redemption
from domain.coupon.events import CouponRedeemed


class RedeemCoupon(Command, frozen=True, kw_only=True):
    """Use a coupon: once for an order, and without an order once for a customer.

    `use` tells several uses by one customer without orders apart.
    """

    code: str
    customer: UUID
    order: UUID | None = None
    campaign: UUID | None = None
    amount: Decimal | None = None
    currency: str | None = None
    use: str = ""


@handles(RedeemCoupon)
def redeem_coupon(command: RedeemCoupon, crm: Work) -> None:
    code = command.code.strip()
    place = command.order or command.customer
    redemption = crm.get(
        Redemption, crm.ids.redemption(crm.shop, code, place, command.use), likely_new=True
    )
    redemption.redeem(
        CouponRedeemed(
            code=code,
            campaign=command.campaign,
            order=command.order,
            amount=command.amount,
            currency=command.currency,
        )
    )
    crm.keep(redemption, customer=command.customer)
