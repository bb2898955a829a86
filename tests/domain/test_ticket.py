"""Tickets: only allowed moves, from a customer's words to an outcome."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.shared.channel import Channel
from domain.shared.events import Event
from domain.shared.refusals import Malformed, NotFound
from domain.ticket.aggregate import MoveNotAllowed, OpenedOtherwise, Ticket
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
from tests.scenario import ID, of

opened = TicketOpened(
    number="T-1", kind=TicketKind.COMPLAINT, channel=Channel.EMAIL, about="The pot is broken"
)
written = TicketMessageAdded(author=Author.CUSTOMER, text="Well?")
assigned = TicketAssigned(agent="lin")
escalated = TicketEscalated(to="lead", reason="A big one")
resolved = TicketResolved(outcome="A new pot is sent")
reopened = TicketReopened(reason="Broken too")
closed = TicketClosed()
rated = TicketRated(score=4, comment="Quick")

OPEN: tuple[Event, ...] = (opened,)
RESOLVED: tuple[Event, ...] = (opened, resolved)
CLOSED: tuple[Event, ...] = (opened, resolved, closed)

ASKS: dict[str, tuple[Callable[[Ticket], None], Event]] = {
    "write": (lambda t: t.add_message(Author.CUSTOMER, "Well?"), written),
    "assign": (lambda t: t.assign("lin"), assigned),
    "escalate": (lambda t: t.escalate("lead", "A big one"), escalated),
    "resolve": (lambda t: t.resolve("A new pot is sent"), resolved),
    "reopen": (lambda t: t.reopen("Broken too"), reopened),
    "close": (Ticket.close, closed),
    "rate": (lambda t: t.rate(4, "Quick"), rated),
}


def open_it(ticket: Ticket, about: str = "The pot is broken") -> None:
    ticket.open("T-1", TicketKind.COMPLAINT, Channel.EMAIL, about=about)


def test_a_ticket_is_opened() -> None:
    of(Ticket).when(open_it).then(opened)


def test_opening_twice_is_not_news() -> None:
    of(Ticket).given(*CLOSED).when(open_it).then_nothing()


def test_a_number_stands_for_one_matter() -> None:
    of(Ticket).given(opened).when(lambda t: open_it(t, "Something else")).then_refused(
        OpenedOtherwise, "T-1"
    )


@pytest.mark.parametrize(
    ("past", "move"),
    [
        (OPEN, "write"),
        (OPEN, "assign"),
        (OPEN, "escalate"),
        (OPEN, "resolve"),
        (RESOLVED, "write"),
        (RESOLVED, "reopen"),
        (RESOLVED, "close"),
        (RESOLVED, "rate"),
        (CLOSED, "reopen"),
        (CLOSED, "rate"),
        ((*RESOLVED, reopened), "resolve"),
        ((*OPEN, assigned, *RESOLVED[1:], reopened), "escalate"),
    ],
)
def test_allowed_moves_are_made(past: tuple[Event, ...], move: str) -> None:
    ask, news = ASKS[move]
    of(Ticket).given(*past).when(ask).then(news)


@pytest.mark.parametrize(
    ("past", "move", "state"),
    [
        (OPEN, "close", "open"),
        (OPEN, "rate", "open"),
        (RESOLVED, "assign", "resolved"),
        (RESOLVED, "escalate", "resolved"),
        (CLOSED, "write", "closed"),
        (CLOSED, "assign", "closed"),
        (CLOSED, "escalate", "closed"),
        (CLOSED, "resolve", "closed"),
    ],
)
def test_other_moves_are_refused(past: tuple[Event, ...], move: str, state: str) -> None:
    ask, _ = ASKS[move]
    of(Ticket).given(*past).when(ask).then_refused(MoveNotAllowed, "T-1", state)


def test_another_outcome_needs_a_reopened_ticket() -> None:
    of(Ticket).given(*RESOLVED).when(lambda t: t.resolve("Money back")).then_refused(
        MoveNotAllowed, "resolved", "before it is open"
    )


@pytest.mark.parametrize(
    ("past", "move"),
    [
        ((opened, written), "write"),
        ((opened, assigned), "assign"),
        ((opened, escalated), "escalate"),
        (RESOLVED, "resolve"),
        ((*CLOSED, reopened), "reopen"),
        (CLOSED, "close"),
        ((*CLOSED, rated), "rate"),
    ],
)
def test_asking_twice_is_not_news(past: tuple[Event, ...], move: str) -> None:
    ask, _ = ASKS[move]
    of(Ticket).given(*past).when(ask).then_nothing()


def test_the_same_words_after_others_are_written_again() -> None:
    answer = TicketMessageAdded(author=Author.AGENT, text="Soon.")
    of(Ticket).given(opened, written, answer).when(ASKS["write"][0]).then(written)


def test_who_changes_their_mind_rates_again() -> None:
    of(Ticket).given(*CLOSED, rated).when(lambda t: t.rate(1, None)).then(TicketRated(score=1))


@pytest.mark.parametrize("score", [0, 6])
def test_a_rating_is_one_to_five(score: int) -> None:
    of(Ticket).given(*CLOSED).when(lambda t: t.rate(score, None)).then_refused(
        Malformed, "score", str(score)
    )


@pytest.mark.parametrize("move", ASKS)
def test_nothing_is_asked_of_a_ticket_that_is_not_there(move: str) -> None:
    of(Ticket).when(ASKS[move][0]).then_refused(NotFound, "ticket", str(ID))


@pytest.mark.parametrize(
    "ask",
    [
        lambda t: t.add_message(Author.AGENT, " "),
        lambda t: t.assign(""),
        lambda t: t.escalate("", "x"),
        lambda t: t.escalate("lead", ""),
        lambda t: t.resolve(""),
    ],
)
def test_empty_words_are_malformed(ask: Any) -> None:
    of(Ticket).given(opened).when(ask).then_refused(Malformed)
