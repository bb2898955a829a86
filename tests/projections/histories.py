"""Small histories for the laws: several customers and visitors, late facts, recognitions."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from domain.customer.events import (
    CustomerErased,
    CustomerRegistered,
    KnownByAnotherId,
    VisitorRecognised,
)
from domain.shared.depth import EVERYTHING, Depth, Depths
from domain.shared.events import Event, Fact
from domain.shared.hands import hand_of
from domain.shared.ids import Ids
from domain.shared.log import Head
from domain.shared.personal import ERASED
from projections.projection import slot_of
from tests.facts import fact_of

SHOP = "tea"
SLOTS = 4
IDS = Ids(b"the laws' secret")
START = datetime(2025, 3, 1, tzinfo=UTC)
USERS = tuple(IDS.user(SHOP, name) for name in ("ada", "ben", "cleo"))
VISITORS = tuple(IDS.anonymous(SHOP, name) for name in ("v1", "v2", "v3"))


class History(msgspec.Struct, frozen=True):
    """A small log: facts in order, and the instant after which the next one would come."""

    facts: tuple[Fact, ...]
    clock: datetime

    @property
    def head(self) -> int:
        return len(self.facts)

    def __repr__(self) -> str:
        lines = (
            f"  {f.position} {f.occurred_at:%y-%m-%d %H:%M} (heard {f.recorded_at:%y-%m-%d %H:%M}) "
            f"{_name(f.subject)} stream …{f.stream.hex[-4:]} {f.event}"
            for f in self.facts
        )
        return "\n".join(("History(", *lines, f"  clock {self.clock})"))


class MemoryLog:
    """A Reader of a history."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._facts = history.facts
        self._recorded = [f.recorded_at for f in history.facts]
        self._joined = {
            f.event.identity: (f.position, f.subject)
            for f in history.facts
            if isinstance(f.event, KnownByAnotherId) and f.subject is not None
        }

    def head(self) -> Head:
        return Head(position=len(self._facts), clock=self.history.clock)

    def read(self, after: int, limit: int) -> Sequence[Fact]:
        return self._facts[after : after + limit]

    def scan(
        self,
        slots: Sequence[int],
        of: int,
        *,
        upto: int,
        after: int = 0,
        depths: Depths = EVERYTHING,
    ) -> Iterator[Sequence[tuple[UUID | None, Fact]]]:
        mine = set(slots)
        chunk: list[tuple[UUID | None, Fact]] = []
        for fact in self._facts[after:upto]:
            customer = None
            if fact.subject is not None:
                assert fact.origin is not None
                customer = self.customer_of(fact.origin, at=upto)
                if slot_of(customer, of) not in mine:
                    continue
            seen = as_deep(fact, depths.get(fact.type, Depth.WHOLE))
            if seen is not None:
                chunk.append((customer, seen))
        yield chunk[: len(chunk) // 2]
        yield chunk[len(chunk) // 2 :]

    def deal(
        self,
        slots: Sequence[int],
        of: int,
        *,
        hands: int,
        upto: int,
        depths: Depths = EVERYTHING,
    ) -> Iterator[Iterator[Sequence[tuple[UUID | None, Fact]]]]:
        chunks = list(self.scan(slots, of, upto=upto, depths=depths))
        for hand in range(hands):
            mine = (
                [(c, fact) for c, fact in chunk if c is None or hand_of(c, hands) == hand]
                for chunk in chunks
            )
            yield (chunk for chunk in mine if chunk)

    def of_origins(self, origins: Sequence[UUID], *, upto: int) -> Sequence[Fact]:
        return [f for f in self._facts[:upto] if f.origin in origins]

    def of_nobody(self, *, upto: int) -> Sequence[Fact]:
        return [f for f in self._facts[:upto] if f.subject is None]

    def origins_of(self, customer: UUID, *, at: int) -> Sequence[UUID]:
        mine = [i for i, (since, who) in self._joined.items() if who == customer and since <= at]
        return [customer, *mine]

    def customer_of(self, identity: UUID, *, at: int | None = None) -> UUID:
        since, customer = self._joined.get(identity, (0, identity))
        return customer if customer and (at is None or since <= at) else identity

    def position_at(self, instant: datetime) -> int:
        return bisect_right(self._recorded, instant)


def erased(history: History, at: int, whom: UUID) -> History | None:
    """Return a history in which somebody is erased after a position: nothing of theirs opens.

    None for one that tells of a visitor who turns out to be them later: that is refused by then.
    """
    if any(f.subject == whom and isinstance(f.event, KnownByAnotherId) for f in history.facts[at:]):
        return None
    identities = tuple(MemoryLog(history).origins_of(whom, at=at))
    said = CustomerErased(erasure=UUID(int=9), identities=identities)
    last = history.facts[at - 1]
    own = [f.version for f in history.facts if f.stream == whom]
    fact = msgspec.structs.replace(
        last,
        position=at + 1,
        stream=whom,
        version=max(own, default=0) + 1,
        type=said.stored.name,
        origin=whom,
        subject=whom,
        occurred_at=last.recorded_at,
        event=said,
    )
    closed = [as_deep(f, Depth.CLEAR) or f if f.origin in identities else f for f in history.facts]
    moved = [msgspec.structs.replace(f, position=f.position + 1) for f in closed[at:]]
    return History((*closed[:at], fact, *moved), history.clock)


def as_deep(fact: Fact, depth: Depth) -> Fact | None:
    """Return a fact as who looks so deep into it reads it; None: it is left out."""
    event = fact.event
    match depth:
        case Depth.NOTHING:
            return None
        case Depth.KIND:
            return msgspec.structs.replace(fact, event=event.stored.unread)
        case Depth.CLEAR:
            told = {n: ERASED for n in event.stored.personal if getattr(event, n) is not None}
            return msgspec.structs.replace(fact, event=msgspec.structs.replace(event, **told))
        case Depth.WHOLE:
            return fact


def stream_of(event: Event, origin: UUID | None, number: int) -> UUID:
    """Return the stream of an event as the log would have it; `number`: which one of its owner."""
    noun = event.stored.name.split(".")[0]
    campaign = getattr(event, "campaign", None)
    if origin is None:
        return IDS.derive(SHOP, noun, str(number % 2))
    if noun == "customer":
        return origin
    if campaign is not None and noun in {"campaign", "message"}:
        return IDS.assignment(campaign, origin)
    if noun in {"order", "ticket"}:
        return IDS.derive(SHOP, noun, origin.hex, str(number % 3))
    return IDS.derive(SHOP, "message", origin.hex, str(number))


class _Happening(msgspec.Struct, frozen=True):
    said: Any
    who: int
    nobodys: bool
    number: int
    earlier: int
    wait: int


_MINUTES = st.one_of(
    st.sampled_from((0, 0, 1)),
    st.integers(0, 60 * 24),
    st.integers(0, 60 * 24 * 60),
)


def histories(
    events: "st.SearchStrategy[Any]",
    *,
    nobodys: "st.SearchStrategy[Any] | None" = None,
    max_size: int = 24,
) -> "st.SearchStrategy[History]":
    """Build histories of several customers and visitors, some recognised, from what may happen.

    `events` gives events of customers, `nobodys` those of no customer: an Event (its stream is
    then made as the log would) or a pair of Event and stream. Facts come late by up to two months.
    """
    somebody = st.builds(
        _Happening,
        said=events,
        who=st.integers(0, len(USERS) + len(VISITORS) - 1),
        nobodys=st.just(value=False),
        number=st.integers(0, 9),
        earlier=_MINUTES,
        wait=_MINUTES,
    )
    recognised = st.builds(
        _Happening,
        said=st.sampled_from(USERS),
        who=st.integers(len(USERS), len(USERS) + len(VISITORS) - 1),
        nobodys=st.just(value=False),
        number=st.just(0),
        earlier=st.just(0),
        wait=_MINUTES,
    )
    kinds = [somebody, somebody, somebody, recognised]
    if nobodys is not None:
        kinds.append(
            st.builds(
                _Happening,
                said=nobodys,
                who=st.just(0),
                nobodys=st.just(value=True),
                number=st.integers(0, 9),
                earlier=_MINUTES,
                wait=_MINUTES,
            )
        )
    return st.builds(_history, st.lists(st.one_of(kinds), max_size=max_size), _MINUTES)


def _history(happenings: Sequence[_Happening], after: int) -> History:
    facts: list[Fact] = []
    now = START
    versions: dict[UUID, int] = {}
    known: dict[UUID, UUID] = {}
    seen: set[UUID] = set()

    def add(event: Event, stream: UUID, origin: UUID | None, earlier: int = 0) -> None:
        versions[stream] = versions.get(stream, 0) + 1
        facts.append(
            fact_of(
                event,
                position=len(facts) + 1,
                stream=stream,
                version=versions[stream],
                shop=SHOP,
                origin=origin,
                subject=None if origin is None else known.get(origin, origin),
                occurred_at=now - timedelta(minutes=earlier),
                recorded_at=now,
            )
        )

    for each in happenings:
        now += timedelta(minutes=each.wait)
        origin = None if each.nobodys else (*USERS, *VISITORS)[each.who]
        if isinstance(each.said, UUID):
            visitor, user = origin, each.said
            assert visitor is not None
            if visitor not in known:
                add(VisitorRecognised(identity=visitor, customer=user), visitor, visitor)
                known[visitor] = user
                if user not in seen:
                    add(CustomerRegistered(), user, user)
                    seen.add(user)
                add(KnownByAnotherId(identity=visitor, kind="anonymous"), user, user)
            continue
        event, stream = each.said if isinstance(each.said, tuple) else (each.said, None)
        if origin in USERS and origin not in seen:
            seen.add(origin)
            if not isinstance(event, CustomerRegistered):
                add(CustomerRegistered(), origin, origin, each.earlier)
        add(event, stream or stream_of(event, origin, each.number), origin, each.earlier)
    return History(facts=tuple(facts), clock=now + timedelta(minutes=after))


def _name(subject: UUID | None) -> str:
    if subject is None:
        return "nobody"
    if subject in USERS:
        return ("ada", "ben", "cleo")[USERS.index(subject)]
    if subject in VISITORS:
        return f"visitor {VISITORS.index(subject) + 1}"
    return f"…{subject.hex[-4:]}"
