"""What can be asked of a ticket."""

from typing import Final
from uuid import UUID

from commands.work import Command, Work, handles
from domain.customer.aggregate import Customer
from domain.shared.channel import Channel
from domain.ticket.aggregate import OpenedForAnother, Ticket
from domain.ticket.events import Author, TicketKind

DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without letters that are misheard or misread (Crockford's base 32)."""


class OpenTicket(Command, frozen=True, kw_only=True):
    """Take a customer's matter up. Without a number it is given one."""

    number: str | None = None
    customer: UUID | None = None
    kind: TicketKind
    channel: Channel
    about: str
    order: UUID | None = None


class AddTicketMessage(Command, frozen=True, kw_only=True):
    """Write to a ticket, as the customer or as an agent."""

    ticket: UUID
    author: Author
    text: str


class AssignTicket(Command, frozen=True, kw_only=True):
    """Give a ticket to an agent."""

    ticket: UUID
    agent: str


class EscalateTicket(Command, frozen=True, kw_only=True):
    """Pass a ticket on to somebody who may decide more."""

    ticket: UUID
    to: str
    reason: str


class ResolveTicket(Command, frozen=True, kw_only=True):
    """Settle a ticket, with the outcome that the customer is told."""

    ticket: UUID
    outcome: str


class ReopenTicket(Command, frozen=True, kw_only=True):
    """Take a ticket up again."""

    ticket: UUID
    reason: str


class CloseTicket(Command, frozen=True, kw_only=True):
    """Put a resolved ticket away."""

    ticket: UUID


class RateTicket(Command, frozen=True, kw_only=True):
    """Keep how well the customer says it was handled: 1 (badly) to 5 (well)."""

    ticket: UUID
    score: int
    comment: str | None = None


@handles(OpenTicket)
def open_ticket(command: OpenTicket, crm: Work) -> dict[str, str]:
    if command.customer is not None:  # who has the ticket sees whom it is about
        crm.is_met(Customer(command.customer))
    number = (command.number or _number(crm.fresh())).strip()
    ticket = crm.get(Ticket, crm.ids.ticket(crm.shop, number), likely_new=True)
    if crm.is_anothers(ticket, command.customer):
        raise OpenedForAnother(number=number)
    ticket.open(number, command.kind, command.channel, about=command.about, order=command.order)
    crm.keep(ticket, customer=command.customer)
    return {"number": number}


@handles(AddTicketMessage)
def add_ticket_message(command: AddTicketMessage, crm: Work) -> None:
    ticket = crm.get(Ticket, command.ticket)
    ticket.add_message(command.author, command.text)
    crm.keep(ticket)


@handles(AssignTicket)
def assign_ticket(command: AssignTicket, crm: Work) -> None:
    ticket = crm.get(Ticket, command.ticket)
    ticket.assign(command.agent)
    crm.keep(ticket)


@handles(EscalateTicket)
def escalate_ticket(command: EscalateTicket, crm: Work) -> None:
    ticket = crm.get(Ticket, command.ticket)
    ticket.escalate(command.to, command.reason)
    crm.keep(ticket)


@handles(ResolveTicket)
def resolve_ticket(command: ResolveTicket, crm: Work) -> None:
    ticket = crm.get(Ticket, command.ticket)
    ticket.resolve(command.outcome)
    crm.keep(ticket)


@handles(ReopenTicket)
def reopen_ticket(command: ReopenTicket, crm: Work) -> None:
    ticket = crm.get(Ticket, command.ticket)
    ticket.reopen(command.reason)
    crm.keep(ticket)


@handles(CloseTicket)
def close_ticket(command: CloseTicket, crm: Work) -> None:
    ticket = crm.get(Ticket, command.ticket)
    ticket.close()
    crm.keep(ticket)


@handles(RateTicket)
def rate_ticket(command: RateTicket, crm: Work) -> None:
    ticket = crm.get(Ticket, command.ticket)
    ticket.rate(command.score, command.comment)
    crm.keep(ticket)


def _number(fresh: UUID) -> str:
    """Return a number to read out on the phone, of 40 bits; the log notices the rare taken one."""
    bits = fresh.int
    return "T-" + "".join(DIGITS[bits >> (5 * i) & 31] for i in range(8))
