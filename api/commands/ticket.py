"""Commands about tickets."""

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from api.commands.deps import LARGEST_BODY, TOLD, Body, Text, TheDesk, receipt_of
from api.parameters import TicketId
from commands.ticket import (
    AddTicketMessage,
    AssignTicket,
    CloseTicket,
    EscalateTicket,
    OpenTicket,
    RateTicket,
    ReopenTicket,
    ResolveTicket,
)
from domain.shared.channel import Channel
from domain.ticket.events import Author, TicketKind

router = APIRouter(
    prefix="/api/tickets", tags=["tickets"], responses=TOLD, max_body_size=LARGEST_BODY
)


class Opening(Body):
    """What a customer turned to the shop for. Without a number it is given one."""

    number: Text | None = Field(None, min_length=1, max_length=200, examples=["T-1001"])
    customer: UUID | None = None
    kind: TicketKind
    channel: Channel
    about: Text = Field(max_length=20_000, examples=["The parcel came open."])
    order: UUID | None = None


class Message(Body):
    """What the customer or an agent wrote; sealed."""

    author: Author
    text: Text = Field(max_length=20_000, examples=["We are sending a new one today."])


class Agent(Body):
    """Whose it is now."""

    agent: Text = Field(examples=["grace"])


class Escalation(Body):
    """To whom, and why."""

    to: Text = Field(examples=["the head of service"])
    reason: Text = Field(max_length=20_000, examples=["Second broken parcel."])


class Resolution(Body):
    """The outcome that the customer is told."""

    outcome: Text = Field(max_length=20_000, examples=["A new parcel was sent."])


class Reopening(Body):
    """Why it was not settled after all."""

    reason: Text = Field(max_length=20_000, examples=["The new one came open too."])


class Rating(Body):
    """1 (badly) to 5 (well)."""

    score: int = Field(examples=[5])
    comment: Text | None = Field(None, max_length=20_000)


@router.post(
    "", status_code=201, summary="Open a ticket", responses=receipt_of(201, number="T-1001")
)
def open_ticket(body: Opening, desk: TheDesk) -> Response:
    """Take a customer's matter up."""
    return desk.creates(
        OpenTicket(
            number=body.number,
            customer=body.customer,
            kind=body.kind,
            channel=body.channel,
            about=body.about,
            order=body.order,
        ),
        "/api/tickets",
    )


@router.post("/{id}/messages", status_code=202, summary="Write", responses=receipt_of(202))
def add_message(id: TicketId, body: Message, desk: TheDesk) -> Response:
    """Write to a ticket, as the customer or as an agent."""
    return desk.takes(AddTicketMessage(ticket=id, author=body.author, text=body.text))


@router.put("/{id}/agent", status_code=202, summary="Assign", responses=receipt_of(202))
def assign(id: TicketId, body: Agent, desk: TheDesk) -> Response:
    """Give a ticket to an agent."""
    return desk.takes(AssignTicket(ticket=id, agent=body.agent))


@router.post("/{id}/escalation", status_code=202, summary="Escalate", responses=receipt_of(202))
def escalate(id: TicketId, body: Escalation, desk: TheDesk) -> Response:
    """Pass a ticket on to somebody who may decide more."""
    return desk.takes(EscalateTicket(ticket=id, to=body.to, reason=body.reason))


@router.post("/{id}/resolution", status_code=202, summary="Resolve", responses=receipt_of(202))
def resolve(id: TicketId, body: Resolution, desk: TheDesk) -> Response:
    """Settle a ticket, with the outcome that the customer is told."""
    return desk.takes(ResolveTicket(ticket=id, outcome=body.outcome))


@router.post("/{id}/reopening", status_code=202, summary="Reopen", responses=receipt_of(202))
def reopen(id: TicketId, body: Reopening, desk: TheDesk) -> Response:
    """Take a ticket up again."""
    return desk.takes(ReopenTicket(ticket=id, reason=body.reason))


@router.post("/{id}/closing", status_code=202, summary="Close", responses=receipt_of(202))
def close(id: TicketId, desk: TheDesk) -> Response:
    """Put a resolved ticket away."""
    return desk.takes(CloseTicket(ticket=id))


@router.put("/{id}/rating", status_code=202, summary="Rate", responses=receipt_of(202))
def rate(id: TicketId, body: Rating, desk: TheDesk) -> Response:
    """Keep how well the customer says it was handled."""
    return desk.takes(RateTicket(ticket=id, score=body.score, comment=body.comment))
