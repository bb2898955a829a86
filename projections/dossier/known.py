"""What is known of one customer at a position of the log, gathered in one pass over the facts."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from heapq import merge
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

import msgspec

from domain.customer.events import (
    ANONYMOUS,
    CustomerErased,
    CustomerRegistered,
    KnownByAnotherId,
    TraitsAsserted,
)
from domain.shared.events import FACTS, Fact, Unreadable
from domain.shared.personal import ERASED
from projections.conversion.projection import conversion
from projections.conversion.recipients import recipients_in
from projections.dossier.lines import Line, Source, Teller
from projections.lifecycle.answers import Place, Standing, standing_of
from projections.lifecycle.projection import lifecycle
from projections.profile.answers import Customer, shown
from projections.profile.projection import profile
from projections.profile.tables import ORDER, PROFILE, TICKET, Profile
from projections.projection import View
from projections.rows import Rows
from projections.runtime.replay import Blind, Replay, Whole

_USER: Final = "user"
_ID: Final = "id"
_NOTHING: Final[tuple[Any, ...]] = ("", {})
"""What stands for a field that was taken back."""
_FOLDED: Final = (profile, lifecycle, conversion)


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """One id under which the customer is known; `id` is the shop's own word, as far as it is kept.

    `kind`: user, anonymous, or matter (an order or a ticket). `facts`: how many began with it.
    `because`: the fact that made it the customer's; None for the customer's own.
    """

    identity: UUID
    kind: str
    id: str | None
    facts: int
    because: Source | None


class Trait(msgspec.Struct, frozen=True, kw_only=True):
    """A field, what holds of it now, and which fact says so. None: it was taken back."""

    field: str
    value: Any
    origin: Source


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Where the customer stands; `because` None: by the passing of time alone."""

    place: str
    since: datetime
    before: str | None
    because: Line | None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a customer but its facts. `erased`: some of it can never be read again.

    `forgotten_at`: since when all of what says who it is. `unreadable`: facts of a kind that this
    version does not know.
    """

    customer: UUID
    position: int
    made_at: datetime
    language: str
    erased: bool
    forgotten_at: datetime | None
    profile: Customer | None
    identities: Sequence[Identity]
    traits: Sequence[Trait]
    stage: Reason | None
    tier: Reason | None
    net: Decimal | None
    orders: Sequence[dict[str, Any]]
    tickets: Sequence[dict[str, Any]]
    campaigns: Sequence[dict[str, Any]]
    unreadable: Sequence[Line]


class Gathering:
    """Gathers what is known, a fact at a time; no fact is held but those that say what holds."""

    def __init__(self, customer: UUID, teller: Teller, blind: Blind) -> None:
        self._customer = customer
        self._teller = teller
        self._replays = {view.name: Replay(view, blind=blind) for view in _FOLDED}
        self._blind = blind
        self._traits: dict[tuple[str, str], tuple[tuple[datetime, int], Trait]] = {}
        self._ids: dict[UUID, str] = {}
        self._joined: dict[UUID, tuple[str, Source]] = {}
        self._facts: Counter[UUID] = Counter()
        self._unreadable: list[Line] = []
        self._erased = False
        self._forgotten_at: datetime | None = None
        self.shop = ""

    def heed(self, fact: Fact) -> None:
        """Take one fact into account, in the order of the log."""
        event = fact.event
        if fact.origin is not None:
            self._facts[fact.origin] += 1
            self.shop = self.shop or fact.shop
        if isinstance(event, Unreadable):
            if fact.type not in FACTS:
                self._unreadable.append(self._teller.tell(fact))
            return
        self._teller.heed(fact)
        owner = None if fact.subject is None else self._customer
        for replay in self._replays.values():
            replay.fold_all(((owner, fact),), self._customer.__eq__)
        if any(getattr(event, name) is ERASED for name in event.stored.personal):
            self._erased = True
        match event:
            case TraitsAsserted():
                self._say(fact, event)
            case CustomerRegistered(id=str(word)) if fact.origin is not None:
                self._ids[fact.origin] = word
            case KnownByAnotherId(identity=identity, kind=kind):
                self._joined[identity] = kind, self._teller.source(fact)
            case CustomerErased(identities=identities) if self._customer in identities:
                self._erased, self._forgotten_at = True, fact.recorded_at

    def _say(self, fact: Fact, event: TraitsAsserted) -> None:
        for key, value in _asserted(event):
            field = key[1]
            if field == _ID and isinstance(value, str) and fact.origin is not None:
                self._ids.setdefault(fact.origin, value)
            when = fact.occurred_at, fact.position
            before = self._traits.get(key)
            if before is None or before[0] < when:
                said = Trait(field=field, value=value, origin=self._teller.source(fact))
                self._traits[key] = when, said

    def known(
        self, origins: Iterable[UUID], *, at: datetime, upto: int, find: Callable[[int], Fact]
    ) -> Known:
        """Return what is known; `find` gives the fact at a position."""
        told = self._rows(profile, at)
        lives = self._rows(lifecycle, at)
        row = told.get(PROFILE)
        standing = standing_of(lives, at)
        return Known(
            customer=self._customer,
            position=upto,
            made_at=at,
            language=self._teller.language,
            erased=self._erased,
            forgotten_at=self._forgotten_at,
            profile=_profile(row, standing) if row else None,
            identities=[self._identity(one, known=bool(row and row.known)) for one in origins],
            traits=[self._traits[key][1] for key in sorted(self._traits)],
            stage=self._reason(standing.stage, find) if standing else None,
            tier=self._reason(standing.tier, find) if standing else None,
            net=standing.net if standing else None,
            orders=[_without(o, "customer", "state") for o in told.all(ORDER).values()],
            tickets=[_without(t, "customer", "said") for t in told.all(TICKET).values()],
            campaigns=[
                {"name": self._teller.campaign(one.campaign), **_without(one, "customer")}
                for one in recipients_in(self._rows(conversion, at), at)
            ],
            unreadable=self._unreadable,
        )

    def _rows(self, view: View, at: datetime) -> Rows:
        replay = self._replays[view.name]
        rows = replay.rows.get(self._customer) or Whole(self._customer, blind=self._blind)
        rows.shared = replay.shared
        view.settle(rows, at)
        return rows

    def _identity(self, identity: UUID, *, known: bool) -> Identity:
        kind, because = self._joined.get(identity, (_USER if known else ANONYMOUS, None))
        return Identity(
            identity=identity,
            kind=kind,
            id=self._ids.get(identity),
            facts=self._facts[identity],
            because=because,
        )

    def _reason(self, place: Place, find: Callable[[int], Fact]) -> Reason:
        because = None if place.cause is None else self._teller.tell(find(place.cause))
        return Reason(place=place.place, since=place.since, before=place.before, because=because)


def in_order(one: Iterable[Fact], other: Iterable[Fact]) -> Iterator[Fact]:
    """Yield the facts of both, in the order of the log."""
    return merge(one, other, key=attrgetter("position"))


def _asserted(event: TraitsAsserted) -> Iterator[tuple[tuple[str, str], Any]]:
    """Yield each field that is told, by its part, and its value; None where it is taken back."""
    for part in ("person", "traits", "private"):
        told = getattr(event, part)
        if told is ERASED:
            yield (part, part), ERASED
        elif told is not None:
            said: dict[str, Any] = msgspec.to_builtins(told)
            if part == "person":
                said = {field: None if v in _NOTHING else v for field, v in said.items()}
            yield from (((part, field), value) for field, value in said.items())


def _profile(row: Profile, standing: Standing | None) -> Customer:
    answer = shown(row, reveal=True)
    if standing is None:
        return answer
    return msgspec.structs.replace(answer, stage=standing.stage.place, tier=standing.tier.place)


def _without(row: msgspec.Struct, *names: str) -> dict[str, Any]:
    return {k: v for k, v in msgspec.structs.asdict(row).items() if k not in names}
