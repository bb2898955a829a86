"""A customer's tickets as they now stand, and how many are open."""

from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from domain.shared.events import Event, Fact
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
from projections.profile.said import Said, earliest, latest, stamp
from projections.profile.tables import PROFILE, TICKET, ProfileTicket
from projections.rows import Rows

OPEN: Final = "open"


def tell(rows: Rows, fact: Fact) -> None:
    """Take one more fact of a ticket."""
    before = rows.get(TICKET, fact.stream)
    ticket = before or ProfileTicket(customer=rows.subject, ticket_id=fact.stream)
    match fact.event:
        case TicketOpened():
            ticket = replace(ticket, opened_at=earliest(ticket.opened_at, fact.occurred_at))
        case TicketMessageAdded():
            last = latest(ticket.last_message_at, fact.occurred_at)
            ticket = replace(ticket, last_message_at=last)
    said = Said.once(_what_it_says(fact.event), stamp(fact))
    _count(rows, before, _described(ticket, ticket.said.and_(said)))


def take_over(rows: Rows, theirs: ProfileTicket) -> None:
    """Take what is known of a ticket that turned out to be this customer's."""
    before = rows.get(TICKET, theirs.ticket_id)
    ticket = before or ProfileTicket(customer=rows.subject, ticket_id=theirs.ticket_id)
    ticket = replace(
        ticket,
        opened_at=earliest(ticket.opened_at, theirs.opened_at),
        last_message_at=latest(ticket.last_message_at, theirs.last_message_at),
    )
    _count(rows, before, _described(ticket, ticket.said.and_(theirs.said)))


def _what_it_says(event: Event) -> dict[str, Any]:
    said: dict[str, Any] = {}
    match event:
        case TicketOpened():
            said = {
                "number": event.number,
                "kind": event.kind.value,
                "channel": event.channel.value,
                "order": str(event.order) if event.order else None,
                "status": OPEN,
            }
        case TicketReopened():
            said = {"status": OPEN}
        case TicketResolved():
            said = {"status": "resolved"}
        case TicketClosed():
            said = {"status": "closed"}
        case TicketAssigned():
            said = {"agent": event.agent}
        case TicketEscalated():
            said = {"agent": event.to}
        case TicketRated():
            said = {"score": event.score}
    return said


def _described(ticket: ProfileTicket, said: Said) -> ProfileTicket:
    told = said.values
    order = told.get("order")
    return replace(
        ticket,
        number=told.get("number"),
        kind=told.get("kind"),
        channel=told.get("channel"),
        order_id=UUID(order) if order else None,
        status=told.get("status"),
        agent=told.get("agent"),
        score=told.get("score"),
        said=said,
    )


def _count(rows: Rows, before: ProfileTicket | None, after: ProfileTicket) -> None:
    was_open = before is not None and before.status == OPEN
    more = (after.status == OPEN) - was_open
    if more:
        profile = rows.get(PROFILE)
        assert profile is not None  # the first fact of any kind makes it
        rows.put(PROFILE, replace(profile, open_tickets=profile.open_tickets + more))
    rows.put(TICKET, after)
