"""Tickets get a number, and are moved only as they may."""

import msgspec
import pytest

from commands.ticket import (
    DIGITS,
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
from domain.ticket.aggregate import MoveNotAllowed, OpenedForAnother, OpenedOtherwise
from domain.ticket.events import (
    Author,
    TicketAssigned,
    TicketClosed,
    TicketEscalated,
    TicketKind,
    TicketMessageAdded,
    TicketOpened,
    TicketRated,
    TicketReopened,
    TicketResolved,
)
from tests.commands.desk import ADA, BO, IDS, ORDER, Ask, Facts, answer, events, id_of

TICKET = IDS.ticket("shop", "T-1")
open_it = OpenTicket(
    number="T-1",
    customer=ADA,
    kind=TicketKind.COMPLAINT,
    channel=Channel.PHONE,
    about="Stale",
    order=ORDER,
)


def test_a_ticket_goes_its_whole_way(ask: Ask, facts: Facts) -> None:
    assert id_of(ask(open_it)) == TICKET
    for command in (
        open_it,
        AssignTicket(ticket=TICKET, agent="lin"),
        AddTicketMessage(ticket=TICKET, author=Author.AGENT, text="Sorry!"),
        EscalateTicket(ticket=TICKET, to="lead", reason="A regular"),
        ResolveTicket(ticket=TICKET, outcome="Fresh tea"),
        ReopenTicket(ticket=TICKET, reason="Stale too"),
        ResolveTicket(ticket=TICKET, outcome="Money back"),
        RateTicket(ticket=TICKET, score=2, comment="Slow"),
        CloseTicket(ticket=TICKET),
    ):
        ask(command)
        assert ask(command).recorded == 0
    assert events(facts()) == [
        TicketOpened(
            number="T-1",
            kind=TicketKind.COMPLAINT,
            channel=Channel.PHONE,
            about="Stale",
            order=ORDER,
        ),
        TicketAssigned(agent="lin"),
        TicketMessageAdded(author=Author.AGENT, text="Sorry!"),
        TicketEscalated(to="lead", reason="A regular"),
        TicketResolved(outcome="Fresh tea"),
        TicketReopened(reason="Stale too"),
        TicketResolved(outcome="Money back"),
        TicketRated(score=2, comment="Slow"),
        TicketClosed(),
    ]
    assert {(f.stream, f.origin, f.subject) for f in facts()} == {(TICKET, ADA, ADA)}


def test_a_move_that_is_not_allowed_is_refused(ask: Ask, facts: Facts) -> None:
    ask(open_it)
    with pytest.raises(MoveNotAllowed, match="T-1 is open"):
        ask(CloseTicket(ticket=TICKET))
    assert len(facts()) == 1


def test_a_ticket_without_a_number_is_given_one_to_read_out(ask: Ask, facts: Facts) -> None:
    receipt = ask(OpenTicket(kind=TicketKind.INQUIRY, channel=Channel.WEB, about="Hello?"))
    number = answer(receipt)["number"]
    assert number.startswith("T-")
    assert set(number[2:]) <= set(DIGITS)
    assert len(number) == 10
    assert id_of(receipt) == IDS.ticket("shop", number)
    (fact,) = facts()
    assert fact.subject == fact.stream


def test_a_number_stands_for_one_matter(ask: Ask) -> None:
    ask(open_it)
    with pytest.raises(OpenedOtherwise, match="T-1"):
        ask(
            OpenTicket(
                number="T-1", kind=TicketKind.INQUIRY, channel=Channel.PHONE, about="Another"
            )
        )


def test_a_matter_is_not_opened_again_for_another_customer(ask: Ask, facts: Facts) -> None:
    ask(open_it)
    with pytest.raises(OpenedForAnother, match="T-1"):
        ask(msgspec.structs.replace(open_it, customer=BO))
    for same in (ADA, None):
        assert ask(msgspec.structs.replace(open_it, customer=same)).recorded == 0
    assert len(facts()) == 1
