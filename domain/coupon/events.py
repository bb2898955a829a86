"""What happens to coupons."""

from decimal import Decimal
from uuid import UUID

from domain.shared.events import Event, fact


@fact("coupon.redeemed")
class CouponRedeemed(Event, frozen=True, kw_only=True):
    """A customer used a coupon."""

    code: str
    campaign: UUID | None = None
    order: UUID | None = None
    amount: Decimal | None = None
    currency: str | None = None
