"""The rows of the lifecycle view; `schema.sql` says what each column means."""

from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from msgspec import field

from projections.lifecycle.stages import Stage, Tier
from projections.orders import NO_ORDER, OrderState
from projections.rows import Row, Table

Silence = tuple[datetime, int]
"""A purchase, and how many microseconds of silence came before it."""

Dealt = tuple[datetime, int, str]
"""When money was first agreed on or moved, the position of the fact, and the currency."""


class Lifecycle(Row, frozen=True, kw_only=True):
    """One customer, told up to its last fact and the last move by time alone."""

    customer: UUID
    shop: str
    stage: Stage | None = None
    stage_since: datetime
    stage_cause: int | None = None
    stage_before: Stage | None = None
    told_stage: Stage | None = None
    told_since: datetime
    told_cause: int | None = None
    told_before: Stage | None = None
    tier: Tier = Tier.NONE
    tier_since: datetime
    tier_cause: int | None = None
    tier_before: Tier = Tier.NONE
    next_move_at: datetime | None = None
    heard_at: datetime
    heard_position: int
    known_at: datetime | None = None
    known_position: int | None = None
    first_purchase_at: datetime | None = None
    last_purchase_at: datetime | None = None
    won_back_at: datetime | None = None
    purchases: int = 0
    kept_purchases: int = 0
    net: Decimal = Decimal(0)
    nets: dict[str, Decimal] = field(default_factory=dict)
    orders: int = 0
    dealt: Dealt | None = None
    own_net: Decimal = Decimal(0)
    last_activity_at: datetime | None = None
    day_first_at: datetime | None = None
    day_first_position: int | None = None
    silence: int = 0
    silences: tuple[Silence, ...] = ()
    last_fact_at: datetime
    named: tuple[UUID, ...] = ()
    policy: int


class LifecycleOrder(Row, frozen=True, kw_only=True):
    customer: UUID
    order_id: UUID
    purchased_at: datetime | None = None
    kept: bool = False
    currency: str | None = None
    net: Decimal = Decimal(0)
    told: OrderState = NO_ORDER


class LifecycleDay(Row, frozen=True, kw_only=True):
    customer: UUID
    day: date
    first_at: datetime
    first_position: int
    last_at: datetime


class LifecycleMove(Row, frozen=True, kw_only=True):
    customer: UUID
    dimension: str
    at: datetime
    was: str | None
    became: str
    cause: int | None


class LifecyclePolicy(Row, frozen=True, kw_only=True):
    policy: UUID
    position: int
    shop: str
    adopted_at: datetime
    new_days: int
    silent_after_days: int
    lost_after_days: int
    won_back_days: int
    high_value: Decimal
    general_value: Decimal
    currency: str


LIFECYCLE: Final = Table("lifecycle", Lifecycle, ("customer",), eager=True)
ORDER: Final = Table("lifecycle_order", LifecycleOrder, ("customer", "order_id"))
DAY: Final = Table("lifecycle_day", LifecycleDay, ("customer", "day"))
MOVE: Final = Table("lifecycle_move", LifecycleMove, ("customer", "dimension", "at"))
POLICY: Final = Table("lifecycle_policy", LifecyclePolicy, ("policy", "position"), once=True)

TABLES: Final = (LIFECYCLE, ORDER, DAY, MOVE, POLICY)

TELLING: Final = (ORDER, DAY, MOVE)
"""What a walk is told anew from, beside the customer's own row."""
