"""Conversion through the log and the live view: what is stored is what a replay says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from domain.campaign.events import Arm, CampaignDrafted, CampaignLaunched, RecipientAssigned
from domain.message.events import Evidence, MessageClicked, MessageSent
from domain.order.events import Line, OrderPaid, OrderPlaced, OrderRefunded
from domain.shared.channel import Channel
from projections.conversion.projection import conversion as view
from projections.conversion.queries import conversion
from tests.projections.runtime.shop import Shop

DAY = timedelta(days=1)


def buys(shop: Shop, amount: str, ago: timedelta, **who: str) -> None:
    order = shop.ids.order("tea", f"{who} {ago}")
    lines = (Line(product="cup", category="green", unit_price=Decimal(amount)),)
    total = Decimal(amount)
    placed = OrderPlaced(number="1", currency="USD", lines=lines, total=total)
    shop.say(placed, stream=order, ago=ago, **who)
    shop.say(OrderPaid(amount=total, currency="USD"), stream=order, ago=ago, **who)
    if amount.endswith("0"):
        refunded = OrderRefunded(amount=Decimal("2.50"), currency="USD")
        shop.say(refunded, stream=order, ago=ago - DAY, **who)


def test_what_is_stored_is_what_a_replay_says(shop: Shop) -> None:
    live = shop.live(view)
    campaign = shop.ids.campaign("tea", "spring")
    anchor = datetime.now(UTC) - 10 * DAY
    drafted = CampaignDrafted(code="spring", name="Spring", channel=Channel.EMAIL)
    shop.say(drafted, stream=campaign, ago=12 * DAY)
    launched = CampaignLaunched(control_share=Decimal("0.3"), seed=7)
    shop.say(launched, stream=campaign, ago=12 * DAY)
    buys(shop, "30", 9 * DAY, visitor="v")
    for number in range(12):
        user = str(number)
        buys(shop, f"{number}", (number % 9 + 1) * DAY, user=user)
        shop.follow(live, batch=3)
        stream = shop.ids.assignment(campaign, shop.user(user))
        arm = Arm.CONTROL if number % 3 == 0 else Arm.TREATED
        assigned = RecipientAssigned(campaign=campaign, arm=arm, anchor=anchor, seed=7)
        shop.say(assigned, user=user, stream=stream, ago=11 * DAY)
        sent = MessageSent(campaign=campaign, channel=Channel.EMAIL)
        shop.say(sent, user=user, stream=stream, ago=10 * DAY)
        evidence = Evidence(delay_ms=number * 500)
        clicked = MessageClicked(campaign=campaign, link="/", evidence=evidence)
        shop.say(clicked, user=user, stream=stream, ago=9 * DAY)
    shop.follow(live, batch=5)
    before = conversion(shop.connection, campaign, datetime.now(UTC))
    assert before is not None
    shop.recognise("v", "1")
    shop.follow(live, batch=5)
    after = conversion(shop.connection, campaign, datetime.now(UTC))
    assert after is not None
    assert shop.verify(view).differences == []
    gained = after.arms[0].revenue.net - before.arms[0].revenue.net
    assert gained == Decimal("27.50")  # the visitor's purchase is the recipient's
    assert [arm.recipients for arm in after.arms] == [8, 4]
    assert after.arms[0].funnel.clicked_by_scanner == 2
