"""What was counted of a campaign, and how an answer is put together from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from domain.campaign.events import Arm
from projections.conversion.answers import ArmOutcome, Day, Funnel, Revenue, Uplift
from projections.conversion.statistics import (
    Incremental,
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
class Counts:
    """What was counted of one campaign."""

    groups: Sequence[Group]
    money: Sequence[Money]
    window_days: int

    @property
    def days(self) -> int:
        """How many days the curve has: those of the longest window."""
        return max([self.window_days, *(g.converted_day or 0 for g in self.groups)])

    @property
    def currency(self) -> str | None:
        """The currency of most orders; of equals the first by name."""
        orders: dict[str, int] = {}
        for part in self.money:
            orders[part.currency] = orders.get(part.currency, 0) + part.orders
        return min(orders, key=lambda c: (-orders[c], c), default=None)

    @property
    def arms(self) -> list[Arm]:
        """The arms that have recipients, treated first."""
        present = {g.arm for g in self.groups}
        return [arm for arm in Arm if arm in present]


def outcome(arm: Arm, counts: Counts, spells: Iterable[Spell]) -> ArmOutcome:
    """Return what became of one arm."""
    mine = [g for g in counts.groups if g.arm == arm]
    recipients = sum(g.recipients for g in mine)
    mature = sum(g.recipients for g in mine if g.mature)
    estimates = kaplan_meier(spells, counts.days)
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


def incremental(
    uplift: Uplift | None, takings: Mapping[str, Takings], seed: int
) -> Incremental | None:
    """Return the revenue beyond that of the control group, where there is an uplift at all."""
    if uplift is None:
        return None
    return incremental_revenue(takings[Arm.TREATED], takings[Arm.CONTROL], seed)


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
