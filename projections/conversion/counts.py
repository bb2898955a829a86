"""What was counted of a campaign, and how an answer is put together from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from domain.campaign.events import Arm
from projections.conversion.answers import (
    ArmOutcome,
    Asked,
    Conversion,
    Day,
    Funnel,
    LastTouch,
    Revenue,
    Summary,
    Uplift,
)
from projections.conversion.statistics import (
    Spell,
    Takings,
    incremental_revenue,
    kaplan_meier,
    newcombe,
    wilson,
)

NOBODY: Final = "Nobody was assigned yet, so there is nothing to compare."
NO_CONTROL: Final = (
    "There is no control group, so nobody knows what would have been bought without the campaign."
)


@dataclass(frozen=True, slots=True)
class Group:
    """Recipients of one arm who are as mature, and converted on the same day of their window."""

    campaign: UUID
    arm: str
    mature: bool
    converted_day: int | None
    recipients: int
    both_arms: int
    sent: int
    delivered: int
    opened: int
    clicked_by_person: int
    clicked_by_scanner: int
    bounced: int
    failed: int
    complained: int
    redeemed: int


@dataclass(frozen=True, slots=True)
class Money:
    """What recipients of one arm who are as mature purchased in one currency."""

    campaign: UUID
    arm: str
    mature: bool
    currency: str
    orders: int
    kept: int
    net: Decimal


@dataclass(frozen=True, slots=True)
class Touched:
    """Purchases in one currency whose last touch was the campaign's."""

    currency: str
    orders: int
    net: Decimal


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted of one campaign by an instant; sums in `currency` where not said otherwise.

    By arm: `spells`, in which its recipients converted, and `takings` of the mature ones.
    """

    groups: Sequence[Group]
    money: Sequence[Money]
    currency: str | None
    window_days: int
    spells: Mapping[str, Sequence[Spell]] = field(default_factory=dict)
    takings: Mapping[str, Takings] = field(default_factory=dict)
    touched: Sequence[Touched] = ()

    @property
    def days(self) -> int:
        """How many days the curve has: those of the longest window."""
        return max([self.window_days, *(g.converted_day or 0 for g in self.groups)])

    def arms(self) -> dict[Arm, ArmOutcome]:
        """Return what became of the arms that have recipients, treated first."""
        present = {g.arm for g in self.groups}
        return {arm: outcome(arm, self) for arm in Arm if arm in present}


def main_currency(money: Iterable[Money]) -> str | None:
    """Return the currency of most orders; of equals the first by name."""
    orders: dict[str, int] = {}
    for part in money:
        orders[part.currency] = orders.get(part.currency, 0) + part.orders
    return min(orders, key=lambda c: (-orders[c], c), default=None)


def answered(asked: Asked, at: datetime, counts: Counts) -> Conversion:
    """Return the answer about a campaign."""
    arms = counts.arms()
    uplift, why_not = compared(arms.get(Arm.TREATED), arms.get(Arm.CONTROL))
    incremental = None
    if uplift is not None:
        treated, control = (counts.takings[arm] for arm in (Arm.TREATED, Arm.CONTROL))
        incremental = incremental_revenue(treated, control, asked.seed or 0)
    touched = counts.touched
    return Conversion(
        campaign=asked,
        at=at,
        currency=counts.currency,
        arms=list(arms.values()),
        uplift=uplift,
        incremental=incremental,
        why_no_uplift=why_not,
        last_touch=LastTouch(
            orders=sum(t.orders for t in touched),
            net=sum((t.net for t in touched if t.currency == counts.currency), Decimal(0)),
            other_currencies=elsewhere(((t.currency, t.net) for t in touched), counts.currency),
        ),
        both_arms=sum(g.both_arms for g in counts.groups),
    )


def summarised(asked: Asked, counts: Counts) -> Summary:
    """Return a campaign's line in the list of campaigns."""
    arms = counts.arms()
    treated, control = arms.get(Arm.TREATED), arms.get(Arm.CONTROL)
    uplift, why_not = compared(treated, control)
    return Summary(
        campaign=asked,
        recipients=sum(arm.recipients for arm in arms.values()),
        treated=treated.recipients if treated else 0,
        control=control.recipients if control else 0,
        mature=sum(arm.mature for arm in arms.values()),
        converted=[day.converted for day in treated.curve] if treated else [0] * counts.days,
        treated_rate=treated.curve[-1].share if treated else None,
        control_rate=control.curve[-1].share if control else None,
        uplift=uplift,
        why_no_uplift=why_not,
        currency=counts.currency,
        net=sum((arm.revenue.net for arm in arms.values()), Decimal(0)),
        other_currencies=elsewhere(((m.currency, m.net) for m in counts.money), counts.currency),
    )


def outcome(arm: Arm, counts: Counts) -> ArmOutcome:
    """Return what became of one arm."""
    mine = [g for g in counts.groups if g.arm == arm]
    recipients = sum(g.recipients for g in mine)
    mature = sum(g.recipients for g in mine if g.mature)
    estimates = kaplan_meier(counts.spells.get(arm, ()), counts.days)
    within = converted_within(mine, counts.days)
    curve = [
        Day(
            day=day,
            converted=converted,
            share=converted / mature if mature else None,
            interval=wilson(converted, mature) if mature else None,
            estimate=estimate if recipients else None,
        )
        for day, (converted, estimate) in enumerate(zip(within, estimates, strict=True), 1)
    ]
    return ArmOutcome(
        arm=arm,
        recipients=recipients,
        mature=mature,
        curve=curve,
        funnel=_funnel(mine),
        revenue=_revenue([m for m in counts.money if m.arm == arm], mature, counts.currency),
    )


def converted_within(groups: Iterable[Group], days: int) -> list[int]:
    """Return how many of the mature recipients converted within 1, 2 … `days` days."""
    on = [0] * days
    for group in groups:
        if group.mature and group.converted_day is not None:
            on[group.converted_day - 1] += group.recipients
    return [sum(on[: day + 1]) for day in range(days)]


def compared(
    treated: ArmOutcome | None, control: ArmOutcome | None
) -> tuple[Uplift | None, str | None]:
    """Return the uplift, or the sentence why none is shown."""
    if treated is None and control is None:
        return None, NOBODY
    if control is None:
        return None, NO_CONTROL
    if treated is None:
        return None, "Everybody is in the control group, so there is nothing to compare."
    for arm in (treated, control):
        if not arm.mature:
            days = len(arm.curve)
            return None, f"Nobody of the {arm.arm} has been watched for all {days} days yet."
    one, other = treated.curve[-1], control.curve[-1]
    interval = newcombe(one.converted, treated.mature, other.converted, control.mature)
    difference = one.converted / treated.mature - other.converted / control.mature
    return Uplift(difference, interval), None


def elsewhere(money: Iterable[tuple[str, Decimal]], currency: str | None) -> dict[str, Decimal]:
    """Return the sums in other currencies, by currency."""
    sums: dict[str, Decimal] = {}
    for other, net in sorted(money):
        if other != currency:
            sums[other] = sums.get(other, Decimal(0)) + net
    return sums


def _funnel(groups: Sequence[Group]) -> Funnel:
    return Funnel(
        sent=sum(g.sent for g in groups),
        delivered=sum(g.delivered for g in groups),
        opened=sum(g.opened for g in groups),
        clicked_by_person=sum(g.clicked_by_person for g in groups),
        clicked_by_scanner=sum(g.clicked_by_scanner for g in groups),
        bounced=sum(g.bounced for g in groups),
        failed=sum(g.failed for g in groups),
        complained=sum(g.complained for g in groups),
        redeemed=sum(g.redeemed for g in groups),
        converted=sum(g.recipients for g in groups if g.converted_day is not None),
    )


def _revenue(money: Sequence[Money], mature: int, currency: str | None) -> Revenue:
    own = [m for m in money if m.currency == currency]
    mature_net = sum((m.net for m in own if m.mature), Decimal(0))
    return Revenue(
        orders=sum(m.orders for m in money),
        kept=sum(m.kept for m in money),
        net=sum((m.net for m in own), Decimal(0)),
        mature_net=mature_net,
        per_recipient=(mature_net / mature).quantize(Decimal("0.0001")) if mature else None,
        other_currencies=elsewhere(((m.currency, m.net) for m in money), currency),
    )
