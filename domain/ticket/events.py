"""What happens to tickets."""

from enum import StrEnum
from uuid import UUID

from domain.shared.channel import Channel
from domain.shared.events import Event, fact
from domain.shared.personal import Personal


class TicketKind(StrEnum):
    """What a customer turned to the shop for."""

    INQUIRY = "inquiry"
    COMPLAINT = "complaint"
    AFTER_SALES = "after-sales"


class Author(StrEnum):
    """Who wrote a message of a ticket."""

    CUSTOMER = "customer"
    AGENT = "agent"


@fact("ticket.opened")
class TicketOpened(Event, frozen=True, kw_only=True):
    """A customer turned to the shop."""

    number: str
    kind: TicketKind
    channel: Channel
    about: Personal[str]
    order: UUID | None = None


@fact("ticket.message-added")
class TicketMessageAdded(Event, frozen=True, kw_only=True):
    """The customer or an agent wrote."""

    author: Author
    text: Personal[str]


@fact("ticket.assigned")
class TicketAssigned(Event, frozen=True, kw_only=True):
    """An agent took the ticket, or was given it."""

    agent: str


@fact("ticket.escalated")
class TicketEscalated(Event, frozen=True, kw_only=True):
    """The ticket went to somebody who may decide more."""

    to: str
    reason: Personal[str]


@fact("ticket.resolved")
class TicketResolved(Event, frozen=True, kw_only=True):
    """The agent considers it settled, and this is the outcome that the customer is told."""

    outcome: Personal[str]


@fact("ticket.reopened")
class TicketReopened(Event, frozen=True, kw_only=True):
    """It was not settled after all."""

    reason: Personal[str]


@fact("ticket.closed")
class TicketClosed(Event, frozen=True, kw_only=True):
    """Nothing more is to be done."""


@fact("ticket.rated")
class TicketRated(Event, frozen=True, kw_only=True):
    """The customer said how well it was handled: 1 (badly) to 5 (well)."""

    score: int
    comment: Personal[str | None] = None
