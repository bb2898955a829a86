"""Why a field of a profile is what it is: the customer's facts that made it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from domain.customer.events import (
    MATTER,
    ConsentGranted,
    ConsentWithdrawn,
    CustomerRegistered,
    KindStated,
    KnownByAnotherId,
    NoteAdded,
    Person,
    TagAdded,
    TagRemoved,
    TraitsAsserted,
    VisitorRecognised,
)
from domain.message.events import MessageSent
from domain.order.events import OrderPaid, OrderPlaced, OrderRefunded, OrderRevised
from domain.shared.events import Event, Fact, readable
from domain.shared.log import Reader
from domain.shared.personal import ERASED
from domain.shared.refusals import NotFound
from domain.ticket.events import TicketClosed, TicketOpened, TicketReopened, TicketResolved
from projections.activity import is_activity
from projections.why import Rule, Why

Test = Callable[[Event, str], bool]


class _Source(msgspec.Struct, frozen=True):
    rule: Rule
    events: tuple[type[Event], ...]
    about: Test = lambda _event, _name: True


def why(
    reader: Reader,
    customer: UUID,
    field: str,
    *,
    upto: int | None = None,
    happened_by: datetime | None = None,
) -> Why:
    """Return the facts that made a field of a customer's profile, as known at a position.

    `happened_by`: what occurred later does not count.

    `traits.plan`, `tags.vip` and `consents.email:marketing` ask for one of several. Raises NotFound
    for a field that no fact makes.
    """
    column, _, name = field.partition(".")
    source = SOURCES.get(column)
    if source is None:
        raise NotFound(what="field", id=field[:100])
    at = reader.head().position if upto is None else upto
    facts = [
        fact
        for fact in readable(reader.of_origins(reader.origins_of(customer, at=at), upto=at))
        if isinstance(fact.event, source.events)
        and source.about(fact.event, name or column)
        and (happened_by is None or fact.occurred_at <= happened_by)
    ]
    facts.sort(key=_said_at)
    return Why(
        field=field,
        rule=source.rule,
        types=types_of(field),
        facts=facts,
        deciding=_deciding(source.rule, facts, one=bool(name)),
    )


def _said_at(fact: Fact) -> tuple[datetime, bool, int]:
    """Return what is sorted by: of consents at one instant, the one withdrawn holds."""
    return fact.occurred_at, isinstance(fact.event, ConsentWithdrawn), fact.position


def _deciding(rule: Rule, facts: Sequence[Fact], *, one: bool) -> list[int]:
    if rule is Rule.SUM or not facts:
        return [fact.position for fact in facts]
    if rule in {Rule.FIRST, Rule.EARLIEST}:
        return [facts[0].position]
    if rule is Rule.EACH and not one:
        return sorted({key: fact.position for fact in facts for key in _names(fact.event)}.values())
    return [facts[-1].position]


def _names(event: Event) -> tuple[str, ...]:
    """Return which of several an event speaks of."""
    if isinstance(event, TagAdded | TagRemoved):
        return (event.tag,)
    if isinstance(event, ConsentGranted | ConsentWithdrawn):
        return (f"{event.channel}:{event.purpose}",)
    return tuple(event.traits) if isinstance(event, TraitsAsserted) else ()


def _speaks_of(event: Event, name: str) -> bool:
    names = _names(event)
    return name in names or (name in _SEVERAL and bool(names))


def _says(event: Event, name: str) -> bool:
    """Tell whether a fact says this of the person; one that was erased may have."""
    assert isinstance(event, TraitsAsserted)
    if event.person is ERASED:
        return True
    if event.person is None:
        return False
    fields = _PARTS.get(name, (name,))
    return any(getattr(event.person, field) is not None for field in fields)


def _is_told(event: Event, _name: str) -> bool:
    return not isinstance(event, VisitorRecognised)  # its customer's KnownByAnotherId tells it


def _names_a_person(event: Event, _name: str) -> bool:
    return not (isinstance(event, KnownByAnotherId) and event.kind == MATTER)


def _is_activity(event: Event, _name: str) -> bool:
    return is_activity(event)


_SEVERAL: Final = frozenset({"traits", "tags", "consents"})
_PARTS: Final = {
    "name": ("name", "first_name", "last_name", "company", "username"),
    "person": tuple(field.name for field in msgspec.structs.fields(Person)),
}
_SAID: Final = _Source(Rule.LAST, (TraitsAsserted,), _says)
_MONEY: Final = (OrderPaid, OrderRefunded)
_TICKETS: Final = (TicketOpened, TicketResolved, TicketReopened, TicketClosed)

SOURCES: Final[Mapping[str, _Source]] = {
    **dict.fromkeys(_PARTS["person"], _SAID),
    "person": _SAID,
    "known": _Source(Rule.FIRST, (CustomerRegistered, KnownByAnotherId), _names_a_person),
    "kind": _Source(Rule.LAST, (KindStated,)),
    "tags": _Source(Rule.EACH, (TagAdded, TagRemoved), _speaks_of),
    "consents": _Source(Rule.EACH, (ConsentGranted, ConsentWithdrawn), _speaks_of),
    "traits": _Source(Rule.EACH, (TraitsAsserted,), _speaks_of),
    "first_seen": _Source(Rule.EARLIEST, (Event,), _is_told),
    "last_seen": _Source(Rule.LATEST, (Event,), _is_activity),
    "orders": _Source(Rule.SUM, (OrderPlaced,)),
    "purchases": _Source(Rule.SUM, (OrderPaid,)),
    "currency": _Source(Rule.FIRST, (OrderPlaced, OrderRevised, *_MONEY)),
    "paid": _Source(Rule.SUM, (OrderPaid,)),
    "refunded": _Source(Rule.SUM, _MONEY),
    "net": _Source(Rule.SUM, _MONEY),
    "average": _Source(Rule.SUM, _MONEY),
    "other_currencies": _Source(Rule.SUM, _MONEY),
    "favourite_category": _Source(Rule.SUM, (OrderPlaced, OrderRevised, OrderPaid)),
    "open_tickets": _Source(Rule.SUM, _TICKETS),
    "messages": _Source(Rule.SUM, (MessageSent,)),
    "last_campaign": _Source(Rule.LAST, (MessageSent,)),
    "last_campaign_at": _Source(Rule.LAST, (MessageSent,)),
    "notes": _Source(Rule.SUM, (NoteAdded,)),
}
"""Each field and what makes it."""


def types_of(field: str) -> tuple[str, ...]:
    """Return the stored names of the facts that make a field; none: of any kind, or no field."""
    source = SOURCES.get(field.partition(".")[0])
    events: tuple[Any, ...] = source.events if source else ()
    return tuple(event.stored.name for event in events if event is not Event)
