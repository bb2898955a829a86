"""What is left of a message about somebody forgotten once nothing tells whose it is. Pure."""

from collections.abc import Set as AbstractSet
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from commands.shop.clear import both_spellings, is_plain
from domain.activity.events import PageViewed, Reported, ScreenViewed, Tracked
from domain.customer.events import ConsentGranted, ConsentWithdrawn, KindStated, TraitsAsserted
from domain.order.events import (
    OrderCancelled,
    OrderDelivered,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRevised,
    OrderShipped,
)
from domain.shared.events import Event
from domain.shared.log import Append, Draft, Who

_THINGS: Final = both_spellings(
    "product_id sku name category brand variant position quantity price currency total subtotal "
    "revenue shipping tax discount promotion_id creative rating"
)
"""Properties that are of things and sums; codes of carts, orders and coupons are somebody's."""

_PRODUCTS: Final = "products"
_KEPT: Final = frozenset(
    {Tracked, PageViewed, ScreenViewed, Reported}
    | {OrderPlaced, OrderRevised, OrderPaid, OrderShipped}
    | {OrderDelivered, OrderCancelled, OrderRefunded}
)
_WHO: Final = (TraitsAsserted, KindStated, ConsentGranted, ConsentWithdrawn)
_ABOUT_WHO: Final = frozenset({"identify", "group", "alias"})


def nobodys(append: Append, of: AbstractSet[UUID]) -> Append | None:
    """Return what is kept of a message that is told in these streams of somebody forgotten.

    In the message's own: they tell it. What was done is nobody's, an order whose it was or else a
    guest's; neither keeps traits, context, the message as it was sent, where it came from, or any
    code that the person has to themselves but those of the order. The digest stays: by it the
    message is known when it is sent again. None: it tells of nothing but who it is.

    In others: somebody else tells it, whose it stays, but for what it says in those.
    """
    message = append.message
    if message is None or not message.original:
        return None
    if message.id not in of:
        return _told_of_them(append, of)
    if append.recognition is not None:
        return None
    kept: list[Draft] = []
    for draft in append.facts:
        if isinstance(draft.event, _WHO):
            return None
        bare = _bare(draft.event)
        if bare is not None:
            who = None if draft.stream == message.id else Who()
            kept.append(replace(draft, event=bare, who=who))
    if not kept or kept[0].stream != message.id:
        return None
    return replace(
        append, facts=tuple(kept), correlation="", message=replace(message, original=b"")
    )


def nobodys_orders(append: Append, of: AbstractSet[UUID]) -> Append | None:
    """Do as `nobodys`, but begin nothing: what they tell is an order's that was told of before."""
    kept = nobodys(append, of)
    if kept is None or kept.message is None or kept.message.id not in of:
        return kept
    return replace(kept, goes_on=True) if len(kept.facts) > 1 else None


def _told_of_them(append: Append, of: AbstractSet[UUID]) -> Append:
    """Leave out all that may tell who it is, and that it is somebody else's, in these streams."""
    kept = []
    for draft in append.facts:
        if draft.stream not in of:
            kept.append(draft)
        elif (bare := _bare(draft.event)) is not None:
            kept.append(replace(draft, event=bare, who=Who()))
    return replace(append, facts=tuple(kept))


def _bare(event: Event) -> Event | None:
    """Return an event without all that may tell who it is; None when that is what it is for."""
    if type(event) not in _KEPT or (isinstance(event, Reported) and event.name in _ABOUT_WHO):
        return None
    if isinstance(event, Tracked | Reported) and not is_plain(event.name):
        return None
    bare = replace(event, **dict.fromkeys(event.stored.personal))
    if isinstance(bare, Tracked | PageViewed | ScreenViewed):
        return replace(bare, properties=_things(bare.properties), context={})
    if isinstance(bare, Reported):
        return replace(bare, context={})
    if isinstance(bare, OrderPlaced | OrderRevised):
        lines = tuple(replace(line, coupon=None) for line in bare.lines)
        return replace(bare, lines=lines, coupon=None)
    return bare


def _things(properties: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in properties.items() if name in _THINGS}
    rows = properties.get(_PRODUCTS)
    if isinstance(rows, list):
        kept[_PRODUCTS] = [_things(row) for row in rows if isinstance(row, dict)]
    return kept
