"""The plan of a batch: which facts are recorded, whose they are, and what is refused. Pure."""

from collections.abc import Set as AbstractSet
from datetime import datetime
from uuid import UUID

from domain.activity.events import BEHAVIOUR
from domain.customer.events import (
    ANONYMOUS,
    MATTER,
    KnownByAnotherId,
    VisitorRecognised,
    VisitorRedirected,
)
from domain.shared.events import Event
from domain.shared.log import (
    Append,
    Draft,
    Heard,
    HeardSince,
    OtherContent,
    OtherRequest,
    Receipt,
    StreamMoved,
    Who,
)
from domain.shared.personal import KeyForgotten
from infra.event_store.state import State, StreamState


class Planned:
    """A fact with its place in its stream, whose it is, and in the end its body as stored."""

    __slots__ = ("append", "body", "event", "occurred_at", "origin", "stream", "subject", "version")

    def __init__(
        self,
        append: Append,
        event: Event,
        occurred_at: datetime,
        stream: UUID,
        version: int,
        origin: UUID | None,
        subject: UUID | None,
    ) -> None:
        self.append = append
        self.body = b""
        self.event = event
        self.occurred_at = occurred_at
        self.stream = stream
        self.version = version
        self.origin = origin
        self.subject = subject


class Outcome:
    """What becomes of one append: a refusal, an earlier answer, or facts from `start` to `end`."""

    __slots__ = ("append", "end", "error", "original", "receipt", "start")

    def __init__(self, append: Append) -> None:
        self.append = append
        self.error: Exception | None = None
        self.receipt: Receipt | None = None
        self.original: UUID | None = None
        self.start = self.end = 0


class Plan:
    """A batch worked out against the state of the log; appends see those before them."""

    def __init__(self, state: State, forgotten: AbstractSet[UUID] = frozenset()) -> None:
        """`forgotten`: who becomes nobody's any more, whoever they are said to be."""
        self.state = state
        self.forgotten = forgotten
        self.facts: list[Planned] = []
        self.outcomes: list[Outcome] = []
        self.new_streams: dict[int, StreamState] = {}
        self.moved_streams: dict[int, StreamState] = {}
        self.joined: list[tuple[UUID, UUID, int]] = []
        """(identity, customer, index of the fact from which it holds), in that order."""
        self.redirected: list[tuple[UUID, UUID, int]] = []
        """(anonymous, identity, index of the fact from which it holds)."""
        self.remembered: list[tuple[Append, Outcome]] = []
        self.of_others: list[Planned] = []
        """What is told of a matter by somebody else than whose it is."""

    def add(self, append: Append) -> Outcome:
        """Plan one append after those before it; a refused one leaves no trace."""
        outcome = Outcome(append)
        self.outcomes.append(outcome)
        known = self._known(append)
        if isinstance(known, Receipt):
            outcome.receipt = known
            return outcome
        if known is not None:
            outcome.error = known
            return outcome
        outcome.start = len(self.facts)
        for draft in append.facts:
            self._place(append, draft, outcome)
        if append.recognition is not None:
            told = append.recognition
            self._recognise(append, told.visitor, told.user, ANONYMOUS, told.occurred_at)
        outcome.end = len(self.facts)
        if append.idempotency is not None:
            self.remembered.append((append, outcome))
        return outcome

    def _known(self, append: Append) -> Receipt | Exception | None:
        """Return what was answered to this before, or why it is refused; None when it is news."""
        state = self.state
        if append.idempotency is not None:
            answered = state.answers.get(append.idempotency.key)
            if answered is not None:
                if answered[0] != append.idempotency.request:
                    return OtherRequest()
                return Receipt(position=answered[1], recorded=0, duplicate=True, answer=answered[2])
        if append.message is not None:
            recorded = state.streams.get(append.message.id.int)
            if recorded is not None:
                if recorded.content != append.message.content:
                    return OtherContent()
                return Receipt(position=None, recorded=0, duplicate=True)
        return self._outrun(append)

    def _outrun(self, append: Append) -> Exception | None:
        """Return what has moved since an append was decided on, or was not there to go on with."""
        for stream, version in (append.expected or {}).items():
            held = self.state.streams.get(stream.int)
            if (held.version if held else 0) != version:
                return StreamMoved()
        if append.heard is not None and self._is_unheard(append.heard):
            return HeardSince()
        if append.goes_on and self._begins_anything(append):
            return KeyForgotten()
        return None

    def _begins_anything(self, append: Append) -> bool:
        own = None if append.message is None else append.message.id
        return any(
            draft.stream is not None
            and draft.stream != own
            and draft.stream.int not in self.state.streams
            for draft in append.facts
        )

    def _is_unheard(self, heard: Heard) -> bool:
        since, origins = self.state.since, heard.origins
        return any(since.get(origin.int, 0) > heard.upto for origin in origins) or any(
            fact.origin in origins and not fact.event.stored.name.startswith(BEHAVIOUR)
            for fact in self.facts
        )

    def _place(self, append: Append, draft: Draft, outcome: Outcome) -> None:
        stream, who = draft.stream, draft.who
        held = self.state.streams.get(stream.int) if stream is not None else None
        origin: UUID | None = None
        anothers = False
        if who is not None:
            named = self._origin_of(who)
            owner = held.origin if held is not None else None
            if owner is None:
                origin = stream if named is None else named
            else:
                origin = owner
                if named is not None and named != owner:
                    anothers = True
                    if owner == stream:
                        self._recognise(append, owner, named, MATTER, draft.occurred_at)
        if stream is None:
            stream = origin
            assert stream is not None  # nobody gets past the door with neither
            held = self.state.streams.get(stream.int)
        if draft.first and held is not None:
            return
        if draft.of_another and not self._is_of_another(who, origin):
            return
        message = append.message
        content = None
        if message is not None and stream.int == message.id.int:
            content = message.content
            outcome.original = origin
        index = self._record(append, draft.event, draft.occurred_at, stream, origin, content)
        if anothers:
            self.of_others.append(self.facts[index])

    def _is_of_another(self, who: Who | None, origin: UUID | None) -> bool:
        if who is None or who.user is None or origin is None:
            return False
        members = self.state.members
        return members.get(who.user.int, who.user) != members.get(origin.int, origin)

    def _origin_of(self, who: Who) -> UUID | None:
        if who.user is not None:
            return who.user
        if who.anonymous is not None:
            return self.state.redirects.get(who.anonymous.int, who.anonymous)
        return None

    def _record(
        self,
        append: Append,
        event: Event,
        occurred_at: datetime,
        stream: UUID,
        origin: UUID | None,
        content: bytes | None = None,
    ) -> int:
        state, number = self.state, stream.int
        held = state.streams.get(number)
        if held is None:
            held = StreamState(1, origin, content)
            state.streams[number] = self.new_streams[number] = held
        else:
            held.version += 1
            if number not in self.new_streams:
                self.moved_streams[number] = held
        subject = None if origin is None else state.members.get(origin.int, origin)
        self.facts.append(
            Planned(append, event, occurred_at, stream, held.version, origin, subject)
        )
        return len(self.facts) - 1

    def _recognise(
        self, append: Append, visitor: UUID, user: UUID, kind: str, occurred_at: datetime
    ) -> None:
        state = self.state
        if visitor == user:
            return
        customer = state.members.get(user.int, user)
        if visitor.int not in state.members:
            if visitor in self.forgotten:
                return
            self._record(
                append,
                VisitorRecognised(identity=user, customer=customer),
                occurred_at,
                visitor,
                visitor,
            )
            known = KnownByAnotherId(identity=visitor, kind=kind)
            index = self._record(append, known, occurred_at, user, user)
            self._join(visitor, customer, index)
            for follower in state.followers.pop(visitor.int, ()):
                if follower in self.forgotten:
                    continue
                known = KnownByAnotherId(identity=follower, kind=MATTER)
                again = self._record(append, known, occurred_at, user, user)
                self._join(follower, customer, again)
            if kind == ANONYMOUS:
                state.redirects[visitor.int] = user
                self.redirected.append((visitor, user, index))
        elif kind == ANONYMOUS and state.redirects.get(visitor.int) != user:
            index = self._record(
                append, VisitorRedirected(visitor=visitor), occurred_at, user, user
            )
            state.redirects[visitor.int] = user
            self.redirected.append((visitor, user, index))

    def _join(self, identity: UUID, customer: UUID, index: int) -> None:
        self.state.members[identity.int] = customer
        self.state.followers.setdefault(customer.int, []).append(identity)
        self.joined.append((identity, customer, index))
