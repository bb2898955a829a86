"""What a customer's purchases bring to the campaigns that it is a recipient of."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from domain.campaign.events import Arm, RecipientAssigned
from domain.shared.events import Fact
from projections.conversion.tables import PURCHASE, RECIPIENT, Order, Purchase, Recipient
from projections.conversion.told import Standing
from projections.rows import Rows

DAY: Final = timedelta(days=1)
TOUCH_DAYS: Final = 7
"""How long a message that was sent may claim the purchases after it."""

LAST: Final = datetime.max.replace(tzinfo=UTC)

INSTANTS: Final = (
    "sent_at",
    "delivered_at",
    "opened_at",
    "clicked_by_person_at",
    "clicked_by_scanner_at",
    "bounced_at",
    "failed_at",
    "complained_at",
    "redeemed_at",
)
"""The steps of the funnel: each column is the first instant of its kind."""


def assigned(customer: UUID, fact: Fact, event: RecipientAssigned) -> Recipient:
    """Return the recipient that an assignment alone makes."""
    return Recipient(
        customer=customer,
        campaign=event.campaign,
        arm=event.arm.value,
        anchor=event.anchor,
        window_days=event.window_days,
        window_ends=_after(event.anchor, event.window_days),
        goal_product=event.goal.product,
        goal_category=event.goal.category,
        assigned_at=fact.occurred_at,
        position=fact.position,
    )


def merged(one: Recipient, other: Recipient) -> Recipient:
    """Return the one recipient that two turned out to be: the earlier assignment counts.

    Earlier by anchor, then position. A recipient since the first of both; figures are `one`'s.
    """
    counts = other if _assignment(other) < _assignment(one) else one
    return replace(
        one,
        arm=counts.arm,
        anchor=counts.anchor,
        window_days=counts.window_days,
        window_ends=counts.window_ends,
        goal_product=counts.goal_product,
        goal_category=counts.goal_category,
        position=counts.position,
        assigned_at=earlier(one.assigned_at, other.assigned_at),
        both_arms=one.both_arms
        or other.both_arms
        or (None not in (one.arm, other.arm) and one.arm != other.arm),
        sends=tuple(sorted({*one.sends, *other.sends})),
        **{step: earlier(getattr(one, step), getattr(other, step)) for step in INSTANTS},
    )


def watches(recipient: Recipient, purchased_at: datetime) -> bool:
    """Tell whether a purchase at this instant may count for a recipient, by window or by touch."""
    return (
        _day(recipient, purchased_at) is not None
        or _touched_at(recipient, purchased_at) is not None
    )


def reached(sent_at: datetime) -> datetime:
    """Return the end of the time in which a message may be a purchase's last touch."""
    return _after(sent_at, TOUCH_DAYS)


def recount(rows: Rows, orders: Collection[Order], campaigns: Iterable[UUID] = ()) -> None:
    """Count these orders anew in every campaign, and bring the recipients' figures up to date.

    `campaigns`: whose figures are to be told anew even if no purchase of theirs changed.
    """
    recipients = {r.campaign: r for r in rows.all(RECIPIENT).values()}
    stale = set(campaigns)
    if orders:
        ids = {order.order_id for order in orders}
        held = {k: p for k, p in rows.all(PURCHASE).items() if p.order_id in ids}
        wanted = {
            PURCHASE.key_of(purchase): purchase
            for order in orders
            for purchase in _brought(order, recipients.values())
        }
        for key in held.keys() - wanted.keys():
            rows.delete(PURCHASE, *key)
            stale.add(held[key].campaign)
        for key, purchase in wanted.items():
            if held.get(key) != purchase:
                rows.put(PURCHASE, purchase)
                stale.add(purchase.campaign)
    if stale:
        purchases = rows.all(PURCHASE).values()
        for campaign in stale:
            own = [p for p in purchases if p.campaign == campaign and p.until is None]
            rows.put(RECIPIENT, _figured(recipients[campaign], own))


def recipient_at(
    recipient: Recipient, purchases: Iterable[Purchase], instant: datetime
) -> Recipient | None:
    """Return a recipient as it stood at an instant: nothing that occurred later counts.

    `purchases`: the customer's. None: it was not a recipient yet. Who somebody is, and which of two
    assignments counts, is told as it is known, whenever that became clear.
    """
    if recipient.assigned_at is None or recipient.assigned_at > instant:
        return None
    steps = {step: getattr(recipient, step) for step in INSTANTS}
    then = replace(
        recipient,
        sends=tuple(s for s in recipient.sends if s <= instant),
        **{step: at if at is not None and at <= instant else None for step, at in steps.items()},
    )
    own = [p for p in purchases if p.campaign == recipient.campaign and stood(p, instant)]
    return _figured(then, own)


def recipients_in(rows: Rows, instant: datetime) -> list[Recipient]:
    """Return what a customer was a recipient of by an instant, from its complete rows."""
    return recipients_at(rows.all(RECIPIENT).values(), rows.all(PURCHASE).values(), instant)


def recipients_at(
    recipients: Iterable[Recipient], purchases: Collection[Purchase], instant: datetime
) -> list[Recipient]:
    """Return a customer's recipients as they stood at an instant, the earliest anchor first."""
    stood_so = (recipient_at(recipient, purchases, instant) for recipient in recipients)
    return sorted(
        (recipient for recipient in stood_so if recipient is not None),
        key=lambda r: (_assignment(r), r.campaign),
    )


def stood(purchase: Purchase, instant: datetime) -> bool:
    """Tell whether a row says how its purchase stood at an instant."""
    return purchase.since <= instant and (purchase.until is None or instant < purchase.until)


def earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return min(one, other)


def _after(instant: datetime, days: int) -> datetime:
    """Return the instant so many days later; the last there is, where a calendar ends before."""
    try:
        return instant + days * DAY
    except OverflowError:
        return LAST


def _assignment(recipient: Recipient) -> tuple[bool, datetime, int]:
    """Order assignments by anchor, then position; those who were not assigned come last."""
    if recipient.anchor is None or recipient.position is None:
        return (True, LAST, 0)
    return (False, recipient.anchor, recipient.position)


def _brought(order: Order, recipients: Collection[Recipient]) -> Iterator[Purchase]:
    """Yield what an order brings to each campaign, one row for each standing of the order."""
    bought = order.purchased_at
    if bought is None:
        return
    touches = [
        (sent_at, r.campaign) for r in recipients if (sent_at := _touched_at(r, bought)) is not None
    ]
    last_touch = max(touches)[1] if touches else None
    for recipient in recipients:
        day = _day(recipient, bought)
        touched = recipient.campaign == last_touch
        if day is None and not touched:
            continue
        assert recipient.arm is not None  # who is watched was assigned
        assert recipient.anchor is not None
        assert recipient.window_ends is not None
        for standing in order.told.standings():
            yield Purchase(
                customer=order.customer,
                campaign=recipient.campaign,
                order_id=order.order_id,
                since=standing.since,
                until=standing.until,
                purchased_at=bought,
                day=day,
                meets_goal=day is not None and _meets(recipient, standing),
                last_touch=touched,
                kept=standing.kept,
                currency=standing.currency,
                net=standing.net,
                arm=recipient.arm,
                anchor=recipient.anchor,
                window_ends=recipient.window_ends,
            )


def _day(recipient: Recipient, bought: datetime) -> int | None:
    """Return which day of the recipient's window an instant falls on, from 1; None: outside."""
    if recipient.anchor is None or recipient.window_ends is None:
        return None
    if not recipient.anchor <= bought < recipient.window_ends:
        return None
    return (bought - recipient.anchor) // DAY + 1


def _touched_at(recipient: Recipient, bought: datetime) -> datetime | None:
    """Return the latest message really sent to a treated recipient in time for a purchase."""
    if recipient.arm != Arm.TREATED or not recipient.sends:
        return None
    return max((s for s in recipient.sends if s <= bought < reached(s)), default=None)


def _meets(recipient: Recipient, standing: Standing) -> bool:
    product, category = recipient.goal_product, recipient.goal_category
    return (product is None or product in standing.products) and (
        category is None or category in standing.categories
    )


def _figured(recipient: Recipient, purchases: Collection[Purchase]) -> Recipient:
    """Return the recipient with its figures as they now stand.

    Net is in the currency of most of its orders; the first by name where several have as many.
    """
    inside = [p for p in purchases if p.day is not None]
    counts = Counter(p.currency for p in inside)
    currency = min(counts, key=lambda c: (-counts[c], c), default=None)
    first = min((p for p in inside if p.meets_goal), key=lambda p: p.purchased_at, default=None)
    return replace(
        recipient,
        converted_at=first.purchased_at if first else None,
        converted_day=first.day if first else None,
        orders=len(inside),
        currency=currency,
        net=sum((p.net for p in inside if p.currency == currency), Decimal(0)) if inside else None,
    )
