"""The rows of the conversion view; `schema.sql` says what each column means."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from projections.conversion.told import Told
from projections.rows import Row, Table


class Campaign(Row, frozen=True, kw_only=True):
    campaign: UUID
    code: str | None = None
    name: str | None = None
    channel: str | None = None
    goal_product: str | None = None
    goal_category: str | None = None
    simulated: bool = False
    status: str
    drafted_at: datetime | None = None
    launched_at: datetime | None = None
    ended_at: datetime | None = None
    control_share: Decimal | None = None
    seed: int | None = None
    window_days: int | None = None


class Watched(Row, frozen=True, kw_only=True):
    customer: UUID
    last_paid_at: datetime | None = None
    watched_until: datetime | None = None


class Recipient(Row, frozen=True, kw_only=True):
    customer: UUID
    campaign: UUID
    arm: str | None = None
    anchor: datetime | None = None
    window_days: int | None = None
    window_ends: datetime | None = None
    goal_product: str | None = None
    goal_category: str | None = None
    assigned_at: datetime | None = None
    position: int | None = None
    both_arms: bool = False
    sends: tuple[datetime, ...] = ()
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    opened_at: datetime | None = None
    clicked_by_person_at: datetime | None = None
    clicked_by_scanner_at: datetime | None = None
    bounced_at: datetime | None = None
    failed_at: datetime | None = None
    complained_at: datetime | None = None
    redeemed_at: datetime | None = None
    converted_at: datetime | None = None
    converted_day: int | None = None
    orders: int = 0
    currency: str | None = None
    net: Decimal | None = None


class Order(Row, frozen=True, kw_only=True):
    customer: UUID
    order_id: UUID
    purchased_at: datetime | None = None
    told: Told


class Purchase(Row, frozen=True, kw_only=True):
    customer: UUID
    campaign: UUID
    order_id: UUID
    since: datetime
    until: datetime | None = None
    purchased_at: datetime
    day: int | None = None
    meets_goal: bool = False
    last_touch: bool = False
    kept: bool
    currency: str
    net: Decimal
    arm: str
    anchor: datetime
    window_ends: datetime


CAMPAIGN: Final = Table("campaign", Campaign, ("campaign",))
WATCHED: Final = Table("conversion_customer", Watched, ("customer",), eager=True)
RECIPIENT: Final = Table("conversion_recipient", Recipient, ("customer", "campaign"))
ORDER: Final = Table("conversion_order", Order, ("customer", "order_id"))
PURCHASE: Final = Table(
    "conversion_purchase", Purchase, ("customer", "campaign", "order_id", "since")
)

TABLES: Final = (CAMPAIGN, WATCHED, RECIPIENT, ORDER, PURCHASE)
