"""The answer about one campaign from everybody's rows in memory, for what was known long ago.

The same figures as `queries.conversion` reads from the tables.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from projections.conversion.answers import Asked, Conversion
from projections.conversion.counts import Counts, Group, Money, Touched, answered, main_currency
from projections.conversion.recipients import recipient_at, stood
from projections.conversion.statistics import Spell, Takings, spells_of
from projections.conversion.tables import (
    CAMPAIGN,
    PURCHASE,
    RECIPIENT,
    Campaign,
    Purchase,
    Recipient,
)
from projections.rows import Rows

WINDOW_DAYS: Final = 7


class Gathering:
    """Takes one subject's complete rows after another, then answers about an instant."""

    def __init__(self, campaign: UUID, at: datetime) -> None:
        self._id = campaign
        self._at = at
        self._campaign: Campaign | None = None
        self._recipients: list[Recipient] = []
        self._purchases: dict[UUID, list[Purchase]] = {}

    def take(self, rows: Rows) -> None:
        """Take a subject's rows; those that do not concern the campaign are left."""
        if rows.subject == self._id:
            self._campaign = rows.get(CAMPAIGN)
            return
        recipient = rows.get(RECIPIENT, self._id)
        if recipient is None:
            return
        mine = [p for p in rows.all(PURCHASE).values() if p.campaign == self._id]
        then = recipient_at(recipient, mine, self._at)
        if then is not None:
            self._recipients.append(then)
            self._purchases[then.customer] = [p for p in mine if stood(p, self._at)]

    def answer(self) -> Conversion | None:
        """Return what the campaign had brought; None where there was no such campaign."""
        if self._campaign is None:
            return None
        asked = _asked(self._campaign, self._at)
        money = [m for r in self._recipients for m in self._money(r)]
        currency = main_currency(money)
        counts = Counts(
            groups=[self._group(r) for r in self._recipients],
            money=money,
            currency=currency,
            window_days=asked.window_days,
            spells=self._spells(),
            takings=self._takings(currency),
            touched=[
                Touched(currency=p.currency, orders=1, net=p.net)
                for purchases in self._purchases.values()
                for p in purchases
                if p.last_touch
            ],
        )
        return answered(asked, self._at, counts)

    def _mature(self, recipient: Recipient) -> bool:
        return recipient.window_ends is not None and recipient.window_ends <= self._at

    def _group(self, recipient: Recipient) -> Group:
        return Group(
            campaign=self._id,
            arm=recipient.arm or "",
            mature=self._mature(recipient),
            converted_day=recipient.converted_day,
            recipients=1,
            both_arms=int(recipient.both_arms),
            sent=int(recipient.sent_at is not None),
            delivered=int(recipient.delivered_at is not None),
            opened=int(recipient.opened_at is not None),
            clicked_by_person=int(recipient.clicked_by_person_at is not None),
            clicked_by_scanner=int(recipient.clicked_by_scanner_at is not None),
            bounced=int(recipient.bounced_at is not None),
            failed=int(recipient.failed_at is not None),
            complained=int(recipient.complained_at is not None),
            redeemed=int(recipient.redeemed_at is not None),
        )

    def _money(self, recipient: Recipient) -> Iterable[Money]:
        for purchase in self._in_window(recipient):
            yield Money(
                campaign=self._id,
                arm=recipient.arm or "",
                mature=self._mature(recipient),
                currency=purchase.currency,
                orders=1,
                kept=int(purchase.kept),
                net=purchase.net,
            )

    def _in_window(self, recipient: Recipient) -> list[Purchase]:
        return [p for p in self._purchases[recipient.customer] if p.day is not None]

    def _spells(self) -> dict[str, list[Spell]]:
        watched: dict[str, list[tuple[timedelta, bool]]] = {}
        for recipient in self._recipients:
            assert recipient.anchor is not None  # who has an arm has an anchor and a window
            assert recipient.window_ends is not None
            seen_until = recipient.converted_at or min(self._at, recipient.window_ends)
            spell = (seen_until - recipient.anchor, recipient.converted_at is not None)
            watched.setdefault(recipient.arm or "", []).append(spell)
        return {arm: spells_of(times) for arm, times in watched.items()}

    def _takings(self, currency: str | None) -> dict[str, Takings]:
        takings: dict[str, dict[Decimal, int]] = {}
        for recipient in self._recipients:
            if self._mature(recipient):
                inside = (p.net for p in self._in_window(recipient) if p.currency == currency)
                brought = sum(inside, Decimal(0))
                of_arm = takings.setdefault(recipient.arm or "", {})
                of_arm[brought] = of_arm.get(brought, 0) + 1
        return dict(takings)


def _asked(campaign: Campaign, at: datetime) -> Asked:
    launched = campaign.launched_at is not None and campaign.launched_at <= at
    ended = campaign.ended_at is not None and campaign.ended_at <= at
    return Asked(
        campaign=campaign.campaign,
        code=campaign.code,
        name=campaign.name,
        channel=campaign.channel,
        status="ended" if ended else "running" if launched else "drafted",
        simulated=campaign.simulated,
        goal_product=campaign.goal_product,
        goal_category=campaign.goal_category,
        control_share=campaign.control_share if launched else None,
        seed=campaign.seed if launched else None,
        window_days=campaign.window_days or WINDOW_DAYS,
    )
