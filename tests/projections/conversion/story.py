"""Campaigns and purchases told by days, and the conversion view of them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.campaign.events import Arm, CampaignDrafted, CampaignLaunched, Goal, RecipientAssigned
from domain.message.events import Evidence, MessageClicked, MessageSent
from domain.order.events import (
    Line,
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRevised,
)
from domain.shared.channel import Channel
from domain.shared.events import Event
from projections.conversion.projection import conversion
from projections.conversion.tables import PURCHASE, RECIPIENT, Purchase, Recipient
from projections.runtime.replay import Replay
from tests.facts import fact_of
from tests.projections.histories import IDS, SHOP, START

SPRING = IDS.campaign(SHOP, "spring")
SUMMER = IDS.campaign(SHOP, "summer")


def at(day: float) -> datetime:
    return START + timedelta(days=day)


def customer(name: str) -> UUID:
    return IDS.user(SHOP, name)


class Story:
    """Facts in the order in which they are told; days count from the first of March."""

    def __init__(self) -> None:
        self.replay = Replay(conversion)
        self.position = 0

    def fact(self, day: float, event: Event, stream: UUID, who: UUID | None) -> None:
        self.position += 1
        self.replay.fold(
            who,
            fact_of(
                event,
                position=self.position,
                stream=stream,
                shop=SHOP,
                origin=who,
                occurred_at=at(day),
                recorded_at=at(1000),
            ),
        )

    def launched(self, campaign: UUID = SPRING, *, day: float = 0, **about: Any) -> None:
        drafted = CampaignDrafted(code="spring", name="Spring", channel=Channel.EMAIL, **about)
        self.fact(day, drafted, campaign, None)
        share = Decimal("0.5")
        self.fact(day, CampaignLaunched(control_share=share, seed=7), campaign, None)

    def assigned(  # noqa: PLR0913  # what an assignment says
        self,
        who: str,
        arm: Arm = Arm.TREATED,
        campaign: UUID = SPRING,
        *,
        anchor: float = 0,
        day: float = 0,
        goal: Goal | None = None,
    ) -> None:
        event = RecipientAssigned(
            campaign=campaign, arm=arm, anchor=at(anchor), goal=goal or Goal(), seed=7
        )
        self.fact(day, event, IDS.assignment(campaign, customer(who)), customer(who))

    def message(self, who: str, day: float, event: Event) -> None:
        campaign = event.campaign  # type: ignore[attr-defined]  # every message has one
        self.fact(day, event, IDS.assignment(campaign, customer(who)), customer(who))

    def sent(self, who: str, day: float, campaign: UUID = SPRING) -> None:
        self.message(who, day, MessageSent(campaign=campaign, channel=Channel.EMAIL))

    def clicked(self, who: str, day: float, **evidence: Any) -> None:
        click = MessageClicked(campaign=SPRING, link="/", evidence=Evidence(**evidence))
        self.message(who, day, click)

    def paid(  # noqa: PLR0913  # what a payment says
        self,
        who: str,
        day: float,
        amount: str,
        order: str = "1",
        *,
        currency: str = "USD",
        payment: str = "payment",
    ) -> None:
        event = OrderPaid(payment=payment, amount=Decimal(amount), currency=currency)
        self.order(who, day, event, order)

    def refunded(self, who: str, day: float, amount: str | None, order: str = "1") -> None:
        money = None if amount is None else Decimal(amount)
        self.order(who, day, OrderRefunded(amount=money, currency="USD"), order)

    def cancelled(self, who: str, day: float, order: str = "1") -> None:
        self.order(who, day, OrderCancelled(), order)

    def listed(
        self, who: str, day: float, *products: str, order: str = "1", revised: bool = False
    ) -> None:
        kind = OrderRevised if revised else OrderPlaced
        lines = tuple(Line(product=p, category=p[0], unit_price=Decimal(1)) for p in products)
        self.order(
            who, day, kind(number=order, currency="USD", lines=lines, total=Decimal(1)), order
        )

    def order(self, who: str, day: float, event: Event, order: str) -> None:
        self.fact(day, event, IDS.order(SHOP, f"{who} {order}"), customer(who))

    def recipient(self, who: str, campaign: UUID = SPRING) -> Recipient:
        row = self.replay.rows[customer(who)].get(RECIPIENT, campaign)
        assert row is not None
        return row

    def purchases(self, who: str, campaign: UUID = SPRING) -> list[Purchase]:
        rows = self.replay.rows[customer(who)].all(PURCHASE).values()
        return sorted((p for p in rows if p.campaign == campaign), key=lambda p: p.since)
