"""Activity: what a customer caused, and so what keeps them from being silent."""

from typing import Final

from domain.activity.events import PageViewed, ScreenViewed, Tracked
from domain.message.events import MessageClicked
from domain.order.events import OrderPaid, OrderPlaced
from domain.shared.events import Event
from domain.ticket.events import Author, TicketMessageAdded, TicketOpened, TicketRated
from projections.clicks import is_person

_ALWAYS: Final = frozenset(
    {Tracked, PageViewed, ScreenViewed, OrderPlaced, OrderPaid, TicketOpened, TicketRated}
)


JUDGED: Final = (TicketMessageAdded, MessageClicked)
"""The events of which not the kind alone tells whether they are activity."""


def is_activity(event: Event) -> bool:
    """Tell whether the customer caused this.

    Behaviour, orders, payments, tickets, their own messages in them, ratings, and clicks judged a
    person's; not opens, nor what the shop sent, computed, corrected or reported of them.
    """
    if type(event) in _ALWAYS:
        return True
    if isinstance(event, TicketMessageAdded):
        return event.author is Author.CUSTOMER
    return isinstance(event, MessageClicked) and is_person(event.evidence)
