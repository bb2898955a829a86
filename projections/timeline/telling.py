"""What is kept of each fact, to tell it later: a little in the clear, what is personal sealed."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from domain.activity.events import Grouped, PageViewed, ScreenViewed, Tracked
from domain.campaign.events import RecipientAssigned
from domain.coupon.events import CouponRedeemed
from domain.customer.events import (
    ConsentGranted,
    ConsentWithdrawn,
    CustomerErased,
    CustomerRegistered,
    ErasureBegun,
    ErasureCancelled,
    ErasureCertified,
    ErasureRequested,
    KindStated,
    KnownByAnotherId,
    LegalHoldLifted,
    LegalHoldPlaced,
    NoteAdded,
    Person,
    PersonalDataRevealed,
    TagAdded,
    TagRemoved,
    TraitsAsserted,
    VisitorRedirected,
)
from domain.message.events import (
    MessageBounced,
    MessageClicked,
    MessageComplained,
    MessageDelivered,
    MessageFailed,
    MessageOpened,
    MessageSent,
)
from domain.order.events import (
    OrderCancelled,
    OrderDelivered,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRevised,
    OrderShipped,
    OrderToldOfAnotherCustomer,
)
from domain.shared.events import Event
from domain.shared.personal import ERASED, Erased
from domain.ticket.events import (
    TicketAssigned,
    TicketClosed,
    TicketEscalated,
    TicketMessageAdded,
    TicketOpened,
    TicketRated,
    TicketReopened,
    TicketResolved,
)
from projections.clicks import is_person

Detail = dict[str, Any]
Private = Detail | Erased | None

LONGEST: Final = 200
"""Characters that are kept of a text; the fact has the whole."""

KEPT: Final[dict[type[Event], tuple[str, ...]]] = {
    CustomerRegistered: (),
    KnownByAnotherId: ("kind",),
    VisitorRedirected: (),
    TraitsAsserted: (),
    KindStated: ("kind",),
    ConsentGranted: ("channel", "purpose", "source"),
    ConsentWithdrawn: ("channel", "purpose", "source"),
    TagAdded: ("tag",),
    TagRemoved: ("tag",),
    NoteAdded: ("note", "text"),
    PersonalDataRevealed: ("reason",),
    ErasureRequested: ("by",),
    ErasureCancelled: (),
    ErasureBegun: (),
    CustomerErased: (),
    ErasureCertified: (),
    LegalHoldPlaced: ("reason",),
    LegalHoldLifted: ("reason",),
    OrderPlaced: ("number", "total", "currency", "channel", "coupon"),
    OrderRevised: ("number", "total", "currency", "channel", "coupon"),
    OrderPaid: ("amount", "currency", "method"),
    OrderShipped: ("carrier", "tracking"),
    OrderDelivered: (),
    OrderCancelled: ("reason",),
    OrderRefunded: ("amount", "currency", "reason"),
    OrderToldOfAnotherCustomer: ("identity",),
    TicketOpened: ("number", "kind", "channel", "about"),
    TicketMessageAdded: ("author", "text"),
    TicketAssigned: ("agent",),
    TicketEscalated: ("to", "reason"),
    TicketResolved: ("outcome",),
    TicketReopened: ("reason",),
    TicketClosed: (),
    TicketRated: ("score", "comment"),
    RecipientAssigned: ("arm", "anchor"),
    MessageSent: ("channel",),
    MessageDelivered: (),
    MessageOpened: (),
    MessageClicked: ("link",),
    MessageBounced: ("permanent", "reason"),
    MessageFailed: ("reason",),
    MessageComplained: (),
    CouponRedeemed: ("code", "amount", "currency"),
    Tracked: ("name",),
    PageViewed: ("name", "category"),
    ScreenViewed: ("name", "category"),
    Grouped: ("group",),
}
"""The facts that are worth telling, and their fields that are kept; personal ones sealed."""

_FIELDS: Final = frozenset({"id", *(field.name for field in msgspec.structs.fields(Person))})

REPEATED: Final = frozenset(
    {"Order Completed", "Order Updated", "Order Refunded", "Order Cancelled"}
)
"""What a shop tracks under these names stands in the order's own facts."""

_PROPERTIES: Final = (
    "product_id sku name category brand variant price quantity value currency coupon promotion_id "
    "step query path title"
)

PROPERTIES: Final = {
    spelling: name for name in _PROPERTIES.split() for spelling in (name, name.replace("_i", "I"))
}
"""What is kept of a behavioural event's properties, in whichever case it is spelled."""


_PLAIN: Final = frozenset({str, int, float, bool})

_PARTS: Final = {
    event: tuple((name, name in event.stored.personal) for name in names)
    for event, names in KEPT.items()
}
"""By event, the fields that are kept, and whether each is personal."""


def worth_telling(event: Event) -> bool:
    if type(event) is Tracked:
        return event.name not in REPEATED
    return type(event) in KEPT


def kept(event: Event) -> tuple[Detail, Private]:
    """Return what to keep of a fact: in the clear, and sealed (ERASED where it was)."""
    detail: Detail = {}
    private: Detail = {}
    erased = False
    for name, personal in _PARTS[type(event)]:
        value = getattr(event, name)
        if value is ERASED:
            erased = True
        elif value is not None:
            (private if personal else detail)[name] = _short(value)
    more = _MORE.get(type(event))
    if more is not None:
        erased = more(event, detail, private) or erased
    return detail, ERASED if erased else (private or None)


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST] if len(value) > LONGEST else str(value)
    return value if type(value) in _PLAIN else msgspec.to_builtins(value)


def _traits(event: TraitsAsserted, detail: Detail, private: Detail) -> bool:
    """Keep which fields were told; a sealed trait's own name is sealed with it."""
    names = [*event.traits]
    for part in (event.person, event.private):
        if part is ERASED:
            return True
        if part is not None:
            said = msgspec.to_builtins(part)
            private.update(said)
            names.extend(name for name in said if name in _FIELDS)
    detail["fields"] = names
    detail.update(traits=event.traits) if event.traits else None
    return False


def _lines(event: OrderPlaced | OrderRevised, detail: Detail, _private: Detail) -> bool:
    if event.lines:
        detail["items"] = len(event.lines)
    return False


def _refund(event: OrderRefunded, detail: Detail, _private: Detail) -> bool:
    if event.amount is None:
        detail["whole"] = True
    return False


def _verdict(event: MessageClicked | MessageOpened, detail: Detail, _private: Detail) -> bool:
    detail["by_person"] = is_person(event.evidence)
    return False


def _behaviour(event: Tracked | PageViewed | ScreenViewed, detail: Detail, private: Detail) -> bool:
    properties = _picked(event.properties)
    if properties:
        detail["properties"] = properties
    if event.private is ERASED:
        return True
    if event.private:
        private.update(_picked(event.private))
    return False


def _picked(properties: Detail) -> Detail:
    inner = properties.get("properties")
    if isinstance(inner, dict):
        properties = inner
    picked = {}
    for name, value in properties.items():
        spelled = PROPERTIES.get(name)
        if spelled is not None and type(value) in _PLAIN:
            picked[spelled] = value if type(value) is not str else value[:LONGEST]
    return picked


_MORE: Final[dict[type[Event], Callable[[Any, Detail, Detail], bool]]] = {
    TraitsAsserted: _traits,
    OrderPlaced: _lines,
    OrderRevised: _lines,
    OrderRefunded: _refund,
    MessageClicked: _verdict,
    MessageOpened: _verdict,
    Tracked: _behaviour,
    PageViewed: _behaviour,
    ScreenViewed: _behaviour,
}
"""Facts of which more is kept than fields; each answers whether something of it was erased."""
