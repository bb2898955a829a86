"""A ticket: from a customer's words to an outcome that they were told."""

from enum import StrEnum
from typing import Final
from uuid import UUID

from domain.shared.aggregate import Root
from domain.shared.channel import Channel
from domain.shared.events import Event
from domain.shared.personal import Erased
from domain.shared.refusals import Malformed, NotFound, Refused
from domain.shared.text import LONGEST_PROSE, text, text_or_none
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


class State(StrEnum):
    """How far a ticket has come."""

    UNKNOWN = "unknown"
    OPEN = "open"
    RESOLVED = "resolved"
    CLOSED = "closed"


class MoveNotAllowed(Refused):
    """Ticket {number} is {state}: it cannot be {move} before it is {allowed}."""


class OpenedOtherwise(Refused):
    """Ticket {number} was opened already, about something else."""


class OpenedForAnother(Refused):
    """Ticket {number} is another customer's already."""


MOVES: Final[dict[type[Event], tuple[str, frozenset[State]]]] = {
    TicketMessageAdded: ("written to", frozenset({State.OPEN, State.RESOLVED})),
    TicketAssigned: ("assigned", frozenset({State.OPEN})),
    TicketEscalated: ("escalated", frozenset({State.OPEN})),
    TicketResolved: ("resolved", frozenset({State.OPEN})),
    TicketReopened: ("reopened", frozenset({State.RESOLVED, State.CLOSED})),
    TicketClosed: ("closed", frozenset({State.RESOLVED})),  # the customer is told an outcome first
    TicketRated: ("rated", frozenset({State.RESOLVED, State.CLOSED})),
}
"""What may happen to a ticket, and in which states."""

WORST, BEST = 1, 5


class Ticket(Root):
    """One matter that a customer turned to the shop for."""

    facts = ("ticket",)

    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.state = State.UNKNOWN
        self.opened: TicketOpened | None = None
        self.last: Event | None = None
        """The last message."""
        self.agent: str | None = None
        self.escalated_to: str | None = None
        self.outcome: str | Erased | None = None
        self.rated: TicketRated | None = None

    def open(
        self,
        number: str,
        kind: TicketKind,
        channel: Channel,
        *,
        about: str,
        order: UUID | None = None,
    ) -> None:
        asked = TicketOpened(
            number=text("number", number),
            kind=kind,
            channel=channel,
            about=text("about", about, longest=LONGEST_PROSE),
            order=order,
        )
        if self.opened is None:
            self.record(asked)
        elif self.opened != asked:
            raise OpenedOtherwise(number=self.opened.number)

    def add_message(self, author: Author, words: str) -> None:
        """Write; the same words by the same author, with nothing between, were written once."""
        message = TicketMessageAdded(author=author, text=text("text", words, longest=LONGEST_PROSE))
        if message != self.last:
            self._move(message)

    def assign(self, agent: str) -> None:
        agent = text("agent", agent)
        if agent != self.agent or self.state is not State.OPEN:
            self._move(TicketAssigned(agent=agent))

    def escalate(self, to: str, reason: str) -> None:
        to = text("to", to)
        if to != self.escalated_to or self.state is not State.OPEN:
            self._move(TicketEscalated(to=to, reason=text("reason", reason, longest=LONGEST_PROSE)))

    def resolve(self, outcome: str) -> None:
        outcome = text("outcome", outcome, longest=LONGEST_PROSE)
        if outcome != self.outcome or self.state is not State.RESOLVED:
            self._move(TicketResolved(outcome=outcome))

    def reopen(self, reason: str) -> None:
        reason = text("reason", reason, longest=LONGEST_PROSE)
        if self.state is not State.OPEN:
            self._move(TicketReopened(reason=reason))

    def close(self) -> None:
        if self.state is not State.CLOSED:
            self._move(TicketClosed())

    def rate(self, score: int, comment: str | None) -> None:
        """Rate the handling; who changes their mind is heard, the last rating counts."""
        if not WORST <= score <= BEST:
            raise Malformed(field="score", why=f"is {score}, not {WORST} to {BEST}")
        rating = TicketRated(
            score=score, comment=text_or_none("comment", comment, longest=LONGEST_PROSE)
        )
        if rating != self.rated:
            self._move(rating)

    def _move(self, event: Event) -> None:
        if self.opened is None:
            raise NotFound(what="ticket", id=self.id)
        move, allowed = MOVES[type(event)]
        if self.state not in allowed:
            raise MoveNotAllowed(
                number=self.opened.number,
                state=self.state,
                move=move,
                allowed=" or ".join(sorted(allowed)),
            )
        self.record(event)

    def evolve(self, event: Event) -> None:
        match event:
            case TicketOpened():
                self.opened, self.state = event, State.OPEN
            case TicketMessageAdded():
                self.last = event
            case TicketAssigned(agent=agent):
                self.agent = agent
            case TicketEscalated(to=to):
                self.escalated_to = to
            case TicketResolved(outcome=outcome):
                self.outcome, self.state = outcome, State.RESOLVED
            case TicketReopened():
                self.state, self.rated = State.OPEN, None
            case TicketClosed():
                self.state = State.CLOSED
            case TicketRated():
                self.rated = event
