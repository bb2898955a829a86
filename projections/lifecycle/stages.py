"""The measure: a customer's stage and value tier at an instant, by a policy, and when they turn.

The first line that holds is the stage, told by nothing but what had happened until the instant.
Windows are half-open; a day is 24 hours.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Final, Protocol

import msgspec

from domain.lifecycle.events import LifecyclePolicyAdopted
from domain.shared.events import Fact

_DAY: Final = 86_400_000_000
"""A day in microseconds."""

EVER: Final = datetime.min.replace(tzinfo=UTC)
"""An instant before everything."""


class Stage(StrEnum):
    """Where a customer stands, in the words of the definition."""

    VISITOR = "visitor"
    PROSPECT = "prospect"
    IDLE_PROSPECT = "idle prospect"
    NEW = "new"
    WON_BACK = "won back"
    ACTIVE = "active"
    SILENT = "silent"
    LOST = "lost"


class Tier(StrEnum):
    """What a customer has been worth, net of refunds, in the shop's currency."""

    HIGH = "high"
    GENERAL = "general"
    LOW = "low"
    NONE = "none"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers that hold from an instant until the next policy."""

    at: datetime = EVER
    position: int = 0
    new_days: int = 30
    silent_after_days: int = 90
    lost_after_days: int = 180
    won_back_days: int = 30
    high_value: Decimal = Decimal(2000)
    general_value: Decimal = Decimal(300)
    currency: str = "USD"

    @property
    def silence(self) -> int:
        """Return for how many microseconds nobody is silent yet."""
        return self.silent_after_days * _DAY

    @property
    def new_for(self) -> timedelta:
        return _days(self.new_days)

    @property
    def silent_after(self) -> timedelta:
        return _days(self.silent_after_days)

    @property
    def lost_after(self) -> timedelta:
        return _days(self.lost_after_days)

    @property
    def won_back_for(self) -> timedelta:
        return _days(self.won_back_days)


@cache
def _days(count: int) -> timedelta:
    return timedelta(days=count)


DEFAULT: Final = Policy()
"""What holds before a shop adopts its first policy."""


def adopted(fact: Fact, event: LifecyclePolicyAdopted) -> Policy:
    """Return the policy that a fact puts in force."""
    return Policy(at=fact.occurred_at, position=fact.position, **msgspec.structs.asdict(event))


class Life(Protocol):
    """What is told of a customer by an instant, as far as the stage depends on it."""

    @property
    def known_at(self) -> datetime | None:
        """When it became known by more than an anonymous id."""

    @property
    def first_purchase_at(self) -> datetime | None:
        """Its first purchase."""

    @property
    def won_back_at(self) -> datetime | None:
        """Its last purchase with a silence, by the policy's measure, since the one before."""

    @property
    def last_activity_at(self) -> datetime | None:
        """What it last did; not before its last purchase."""


def stage_until(life: Life, policy: Policy, instant: datetime) -> tuple[Stage, datetime | None]:
    """Return the stage at an instant, by what had happened until then, and when time alone ends it.

    None: it never does.
    """
    active = life.last_activity_at or life.known_at
    if life.first_purchase_at is None:
        if life.known_at is None or active is None:
            return Stage.VISITOR, None
        silent = active + policy.silent_after
        return (Stage.PROSPECT, silent) if instant < silent else (Stage.IDLE_PROSPECT, None)
    assert active is not None  # a purchase is activity
    if instant < (old := life.first_purchase_at + policy.new_for):
        return Stage.NEW, old
    if life.won_back_at is not None and instant < (back := life.won_back_at + policy.won_back_for):
        return Stage.WON_BACK, back
    if instant < (silent := active + policy.silent_after):
        return Stage.ACTIVE, silent
    lost = active + policy.lost_after
    return (Stage.SILENT, lost) if instant < lost else (Stage.LOST, None)


def stage_of(life: Life, policy: Policy, instant: datetime) -> Stage:
    """Return the stage at an instant, by what had happened until then."""
    return stage_until(life, policy, instant)[0]


def tier_of(net: Decimal, policy: Policy) -> Tier:
    """Return the tier of a net lifetime value in the policy's currency."""
    if net >= policy.high_value:
        return Tier.HIGH
    if net >= policy.general_value:
        return Tier.GENERAL
    return Tier.LOW if net > 0 else Tier.NONE


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """Every policy that each shop adopted, by instant."""

    by_shop: dict[str, tuple[Policy, ...]] = {}

    def of(self, shop: str) -> tuple[Policy, ...]:
        return self.by_shop.get(shop, ())

    def and_one(self, shop: str, policy: Policy) -> "Policies":
        several = sorted((*self.of(shop), policy), key=_dated)
        return Policies(by_shop={**self.by_shop, shop: tuple(several)})


_dated: Final = attrgetter("at", "position")


def newest(policies: tuple[Policy, ...]) -> int:
    """Return the position of the policy that was recorded last; 0: none was."""
    return max([p.position for p in policies]) if policies else 0


def in_force(policies: tuple[Policy, ...], instant: datetime) -> Policy:
    """Return the policy that holds at an instant."""
    return next((p for p in reversed(policies) if p.at <= instant), DEFAULT)


def last_of(policies: tuple[Policy, ...]) -> Policy:
    """Return the policy that holds until another is adopted."""
    return policies[-1] if policies else DEFAULT
