"""Conversion: who was drawn into which arm of a campaign, and what came of it, to the instant.

Time counts from a recipient's anchor, whether or not anything was sent. A purchase counts in every
campaign whose window holds it; beside that, it has one last touch. Nothing depends on the order in
which the facts came.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from domain.campaign.events import (
    CampaignDrafted,
    CampaignEnded,
    CampaignLaunched,
    RecipientAssigned,
)
from domain.coupon.events import CouponRedeemed
from domain.message.events import (
    MessageBounced,
    MessageClicked,
    MessageComplained,
    MessageDelivered,
    MessageFailed,
    MessageOpened,
    MessageSent,
)
from domain.shared.events import Event, Fact
from projections.clicks import is_person
from projections.conversion import told
from projections.conversion.recipients import (
    assigned,
    earlier,
    merged,
    reached,
    recount,
    watches,
)
from projections.conversion.tables import (
    CAMPAIGN,
    ORDER,
    RECIPIENT,
    TABLES,
    WATCHED,
    Campaign,
    Order,
    Recipient,
    Watched,
)
from projections.conversion.told import UNTOLD, Told
from projections.order_fold import ORDER_FACTS
from projections.projection import View
from projections.rows import Key, Rows, Table

conversion: Final = View(
    "conversion",
    version=2,
    tables=TABLES,
    package=__package__,
    opens=(),
    totals={"conversion_count": "conversion_miscounted"},
)

Step = MessageDelivered | MessageOpened | MessageBounced | MessageFailed | MessageComplained


@conversion.on_nobodys(CampaignDrafted)
def _(rows: Rows, fact: Fact, event: CampaignDrafted) -> None:
    drafted = replace(
        _campaign(rows),
        code=event.code,
        name=event.name,
        channel=event.channel.value,
        goal_product=event.goal.product,
        goal_category=event.goal.category,
        simulated=event.simulated,
        drafted_at=fact.occurred_at,
    )
    rows.put(CAMPAIGN, _with_status(drafted))


@conversion.on_nobodys(CampaignLaunched)
def _(rows: Rows, fact: Fact, event: CampaignLaunched) -> None:
    launched = replace(
        _campaign(rows),
        launched_at=fact.occurred_at,
        control_share=event.control_share,
        seed=event.seed,
        window_days=event.window_days,
    )
    rows.put(CAMPAIGN, _with_status(launched))


@conversion.on_nobodys(CampaignEnded)
def _(rows: Rows, fact: Fact, _event: CampaignEnded) -> None:
    rows.put(CAMPAIGN, _with_status(replace(_campaign(rows), ended_at=fact.occurred_at)))


@conversion.on(RecipientAssigned)
def _(rows: Rows, fact: Fact, event: RecipientAssigned) -> None:
    before = rows.get(RECIPIENT, event.campaign)
    drawn = assigned(rows.subject, fact, event)
    _watch(rows, before, merged(before, drawn) if before else drawn)
    _watch_until(rows, drawn.window_ends)


@conversion.on(MessageSent)
def _(rows: Rows, fact: Fact, event: MessageSent) -> None:
    before = _recipient(rows, event.campaign)
    sent = replace(before, sends=(fact.occurred_at,), sent_at=fact.occurred_at)
    _watch(rows, before, merged(before, sent))
    _watch_until(rows, reached(fact.occurred_at))


STEPS: Final[dict[type[Step], str]] = {
    MessageDelivered: "delivered_at",
    MessageOpened: "opened_at",
    MessageBounced: "bounced_at",
    MessageFailed: "failed_at",
    MessageComplained: "complained_at",
}
"""Which step of the funnel a fact is."""


@conversion.on(*STEPS)
def _(rows: Rows, fact: Fact, event: Step) -> None:
    _stepped(rows, fact, event.campaign, STEPS[type(event)])


@conversion.on(MessageClicked)
def _(rows: Rows, fact: Fact, event: MessageClicked) -> None:
    by = "clicked_by_person_at" if is_person(event.evidence) else "clicked_by_scanner_at"
    _stepped(rows, fact, event.campaign, by)


@conversion.on(CouponRedeemed)
def _(rows: Rows, fact: Fact, event: CouponRedeemed) -> None:
    if event.campaign is not None:
        _stepped(rows, fact, event.campaign, "redeemed_at")


@conversion.on(*ORDER_FACTS)
def _(rows: Rows, fact: Fact, _event: Event) -> None:
    before = rows.get(ORDER, fact.stream)
    after = _order(rows, fact.stream, told.take(before.told if before else UNTOLD, fact))
    rows.put(ORDER, after)
    watched = _watched(rows)
    paid_at = after.told.last_paid_at
    if paid_at is not None and (watched.last_paid_at is None or paid_at > watched.last_paid_at):
        rows.put(WATCHED, replace(watched, last_paid_at=paid_at))
    purchased = {o.purchased_at for o in (before, after) if o and o.purchased_at}
    until = watched.watched_until
    if until is None or all(instant >= until for instant in purchased):
        return
    recipients = rows.all(RECIPIENT).values()
    if any(watches(r, instant) for r in recipients for instant in purchased):
        recount(rows, [after])


@conversion.combines
def _(rows: Rows, visitor: Rows) -> None:
    orders, recipients = visitor.all(ORDER).values(), visitor.all(RECIPIENT).values()
    for order in orders:
        mine = rows.get(ORDER, order.order_id)
        both = told.combine(mine.told, order.told) if mine else order.told
        rows.put(ORDER, _order(rows, order.order_id, both))
    for recipient in recipients:
        before = rows.get(RECIPIENT, recipient.campaign)
        moved = replace(recipient, customer=rows.subject)
        rows.put(RECIPIENT, merged(before, moved) if before else moved)
    seen = visitor.get(WATCHED)
    if seen is not None:
        watched = _watched(rows)
        last_paid_at = _later(watched.last_paid_at, seen.last_paid_at)
        rows.put(WATCHED, replace(watched, last_paid_at=last_paid_at))
        _watch_until(rows, seen.watched_until)
    if orders or recipients:
        recount(rows, list(rows.all(ORDER).values()), {r.campaign for r in recipients})


@conversion.wants(*ORDER_FACTS)
def _(fact: Fact, _event: Event) -> list[tuple[Table[Order], Key]]:
    return [(ORDER, (fact.stream,))]


@conversion.wants(RecipientAssigned, MessageSent, MessageClicked, *STEPS)
def _(
    _fact: Fact, event: RecipientAssigned | MessageSent | MessageClicked | Step
) -> list[tuple[Table[Recipient], Key]]:
    return [(RECIPIENT, (event.campaign,))]


def _watch(rows: Rows, before: Recipient | None, after: Recipient) -> None:
    """Keep a recipient whose windows changed, and look back at what was bought in them."""
    rows.put(RECIPIENT, after)
    last_paid_at = _watched(rows).last_paid_at
    begins = min(i for i in (after.anchor, *after.sends) if i is not None)
    if last_paid_at is None or last_paid_at < begins:
        return
    recount(
        rows,
        [
            order
            for order in rows.all(ORDER).values()
            if order.purchased_at is not None
            and (
                watches(after, order.purchased_at)
                or (before is not None and watches(before, order.purchased_at))
            )
        ],
    )


def _stepped(rows: Rows, fact: Fact, campaign: UUID, step: str) -> None:
    before = _recipient(rows, campaign)
    first = earlier(getattr(before, step), fact.occurred_at)
    rows.put(RECIPIENT, replace(before, **{step: first}))


def _watch_until(rows: Rows, instant: datetime | None) -> None:
    watched = _watched(rows)
    rows.put(WATCHED, replace(watched, watched_until=_later(watched.watched_until, instant)))


def _watched(rows: Rows) -> Watched:
    return rows.get(WATCHED) or Watched(customer=rows.subject)


def _recipient(rows: Rows, campaign: UUID) -> Recipient:
    return rows.get(RECIPIENT, campaign) or Recipient(customer=rows.subject, campaign=campaign)


def _order(rows: Rows, id: UUID, so_far: Told) -> Order:
    return Order(customer=rows.subject, order_id=id, purchased_at=so_far.purchased_at, told=so_far)


def _campaign(rows: Rows) -> Campaign:
    return rows.get(CAMPAIGN) or Campaign(campaign=rows.subject, status="drafted")


def _with_status(campaign: Campaign) -> Campaign:
    status = "drafted"
    if campaign.ended_at is not None:
        status = "ended"
    elif campaign.launched_at is not None:
        status = "running"
    return replace(campaign, status=status)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)
