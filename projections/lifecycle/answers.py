"""What is answered about lifecycles, from rows wherever they come from: the tables or a replay."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec

from projections.lifecycle.lived import under
from projections.lifecycle.stages import Policy, Stage, Tier, last_of, stage_of, tier_of
from projections.lifecycle.tables import LIFECYCLE, Lifecycle
from projections.lifecycle.walk import Walk
from projections.rows import Rows


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a customer stands in one dimension. `cause`: position of the fact that moved it.

    `cause` None: time alone. `before` None: it stood nowhere before.
    """

    place: str
    since: datetime
    cause: int | None
    before: str | None


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A move that time alone will make, if nothing happens until then."""

    at: datetime
    stage: Stage


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One customer at an instant, why it stands there, and where it goes next by time alone.

    `net` is in the currency of the policy, `nets` by currency; `policy` holds, in days and money.
    """

    customer: UUID
    at: datetime
    stage: Place
    tier: Place
    next: Turn | None
    known_at: datetime | None
    first_purchase_at: datetime | None
    last_purchase_at: datetime | None
    purchases: int
    kept_purchases: int
    last_activity_at: datetime | None
    currency: str
    net: Decimal
    nets: dict[str, Decimal]
    policy: Policy


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many customers were in each stage and tier at an instant; every name is there."""

    at: datetime
    customers: int
    stages: dict[Stage, int]
    tiers: dict[Tier, int]


_TIERS: Final = frozenset(tier.value for tier in Tier)


class Tally:
    """Counts customers by stage and tier."""

    def __init__(self) -> None:
        self._stages: Counter[Stage] = Counter()
        self._tiers: Counter[Tier] = Counter()

    def add(self, stage: Stage, tier: Tier, customers: int = 1) -> None:
        self._stages[stage] += customers
        self._tiers[tier] += customers

    def undo(self, was: str | None, became: str, customers: int) -> None:
        """Undo moves of so many customers; those who had no stage before are not counted then."""
        if became in _TIERS:
            self._tiers[Tier(became)] -= customers
            self._tiers[Tier(was or Tier.NONE)] += customers
            return
        self._stages[Stage(became)] -= customers
        if was is None:
            self._tiers[Tier.NONE] -= customers
        else:
            self._stages[Stage(was)] += customers

    def rows(self, rows: Rows, shop: str | None = None) -> None:
        """Count the customer of complete, settled rows, if they are a customer's (of a shop)."""
        row = rows.get(LIFECYCLE)
        if row is not None and row.stage is not None and shop in {None, row.shop}:
            self.add(row.stage, row.tier)

    def counts(self, at: datetime) -> Counts:
        return Counts(
            at=at,
            customers=self._stages.total(),
            stages={stage: self._stages[stage] for stage in Stage},
            tiers={tier: self._tiers[tier] for tier in Tier},
        )


def standing_of(rows: Rows, at: datetime) -> Standing | None:
    """Return how the customer of complete rows, settled to `at`, stands; None: not heard of yet."""
    row = rows.get(LIFECYCLE)
    return None if row is None else standing(row, rows.shared.of(row.shop), at)


def standing(row: Lifecycle, policies: tuple[Policy, ...], at: datetime) -> Standing:
    """Return how a customer stands at an instant not before its last fact."""
    policy = last_of(policies)
    walk = Walk(row, policy)
    walk.wait(at)
    row = walk.row
    assert row.stage is not None  # its first step led into one
    turn = row.next_move_at
    return Standing(
        customer=row.customer,
        at=at,
        stage=Place(
            place=row.stage, since=row.stage_since, cause=row.stage_cause, before=row.stage_before
        ),
        tier=Place(
            place=row.tier, since=row.tier_since, cause=row.tier_cause, before=row.tier_before
        ),
        next=None if turn is None else Turn(at=turn, stage=stage_of(row, policy, turn)),
        known_at=row.known_at,
        first_purchase_at=row.first_purchase_at,
        last_purchase_at=row.last_purchase_at,
        purchases=row.purchases,
        kept_purchases=row.kept_purchases,
        last_activity_at=row.last_activity_at,
        currency=policy.currency,
        net=row.net,
        nets=row.nets,
        policy=policy,
    )


def asked_under(row: Lifecycle, policy: Policy, at: datetime) -> tuple[Stage, Tier] | None:
    """Return stage and tier under another policy, where the row alone can tell; else None."""
    if row.last_fact_at > at:
        return None
    told = under(row, policy)
    return stage_of(told, policy, at), tier_of(told.net, policy)
