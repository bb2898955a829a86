"""The profile: one row a customer, folded from everything that customer's facts say."""

from typing import Any, Final

from msgspec.structs import replace

from domain.customer.events import (
    MATTER,
    ConsentGranted,
    ConsentWithdrawn,
    CustomerRegistered,
    KindStated,
    KnownByAnotherId,
    NoteAdded,
    TagAdded,
    TagRemoved,
    TraitsAsserted,
)
from domain.message.events import MessageSent
from domain.order.events import (
    OrderCancelled,
    OrderDelivered,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRevised,
    OrderShipped,
    OrderToldOfAnotherCustomer,
)
from domain.shared.events import Event, Fact
from domain.shared.personal import ERASED
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
from projections.activity import JUDGED, is_activity
from projections.profile import facets, purchases, tickets
from projections.profile.said import Said, Switch, latest, stamp
from projections.profile.tables import (
    CATEGORY,
    NOTE,
    ORDER,
    PROFILE,
    TABLES,
    TICKET,
    Profile,
    ProfileNote,
)
from projections.projection import View
from projections.rows import Key, Rows, Table

profile: Final = View(
    "profile",
    version=1,
    tables=TABLES,
    package="projections.profile",
    root=PROFILE,
    opens=(TraitsAsserted, NoteAdded),
)

Wanted = tuple[tuple[Table[Any], Key], ...]


@profile.on_any(*JUDGED)
def _(rows: Rows, fact: Fact, event: Event) -> None:
    at = fact.occurred_at
    before = rows.get(PROFILE)
    row = before or Profile(customer=rows.subject, first_seen=at)
    if at < row.first_seen:
        row = replace(row, first_seen=at)
    if (row.last_seen is None or at > row.last_seen) and is_activity(event):
        row = replace(row, last_seen=at)
    if row.person is ERASED:
        row = facets.forgotten(row)
    if row is not before:
        rows.put(PROFILE, row)


@profile.on(CustomerRegistered)
def _(rows: Rows, _fact: Fact, _event: CustomerRegistered) -> None:
    rows.put(PROFILE, replace(_row(rows), known=True))


@profile.on(KnownByAnotherId)
def _(rows: Rows, _fact: Fact, event: KnownByAnotherId) -> None:
    if event.kind != MATTER:  # a visitor whose order was found is a visitor still
        rows.put(PROFILE, replace(_row(rows), known=True))


@profile.on(TraitsAsserted)
def _(rows: Rows, fact: Fact, event: TraitsAsserted) -> None:
    row = _row(rows)
    when = stamp(fact)
    if event.traits:
        row = facets.with_traits(row, Said.once(event.traits, when))
    person, private = event.person, event.private
    if person is ERASED or private is ERASED:
        row = facets.with_portrait(rows, row, ERASED)
    elif person is not None or private is not None:
        row = facets.with_portrait(rows, row, facets.portrait(person, private, when))
    rows.put(PROFILE, row)


@profile.on(KindStated)
def _(rows: Rows, fact: Fact, event: KindStated) -> None:
    rows.put(PROFILE, facets.with_kind(_row(rows), event.kind.value, stamp(fact)))


@profile.on(ConsentGranted)
def _(rows: Rows, fact: Fact, event: ConsentGranted) -> None:
    granted = Switch(fact.occurred_at, fact.position, on=True)
    consents = {f"{event.channel}:{event.purpose}": granted}
    rows.put(PROFILE, facets.with_consents(_row(rows), consents))


@profile.on(ConsentWithdrawn)
def _(rows: Rows, fact: Fact, event: ConsentWithdrawn) -> None:
    withdrawn = Switch(fact.occurred_at, fact.position, on=False)
    consents = {f"{event.channel}:{event.purpose}": withdrawn}
    rows.put(PROFILE, facets.with_consents(_row(rows), consents))


@profile.on(TagAdded)
def _(rows: Rows, fact: Fact, event: TagAdded) -> None:
    tags = {event.tag: Switch(fact.occurred_at, fact.position, on=True)}
    rows.put(PROFILE, facets.with_tags(_row(rows), tags))


@profile.on(TagRemoved)
def _(rows: Rows, fact: Fact, event: TagRemoved) -> None:
    tags = {event.tag: Switch(fact.occurred_at, fact.position, on=False)}
    rows.put(PROFILE, facets.with_tags(_row(rows), tags))


@profile.on(NoteAdded)
def _(rows: Rows, fact: Fact, event: NoteAdded) -> None:
    note = ProfileNote(
        customer=rows.subject,
        note_id=event.note,
        written_at=fact.occurred_at,
        position=fact.position,
        author_kind=fact.actor_kind,
        author_id=fact.actor_id,
        text=event.text,
    )
    _keep_note(rows, note)


@profile.wants(NoteAdded)
def _(_fact: Fact, event: NoteAdded) -> Wanted:
    return ((NOTE, (event.note,)),)


@profile.on(OrderPlaced, OrderRevised, OrderPaid, OrderRefunded)
def _(rows: Rows, fact: Fact, event: Event) -> None:
    assert isinstance(event, OrderPlaced | OrderRevised | OrderPaid | OrderRefunded)
    row = _row(rows)
    if (now := facets.with_currency(row, event.currency, stamp(fact))) is not row:
        rows.put(PROFILE, now)
    purchases.tell(rows, fact)


@profile.on(OrderShipped, OrderDelivered, OrderCancelled, OrderToldOfAnotherCustomer)
def _(rows: Rows, fact: Fact, _event: Event) -> None:
    purchases.tell(rows, fact)


@profile.wants(OrderPlaced, OrderRevised)
def _(fact: Fact, event: Event) -> Wanted:
    assert isinstance(event, OrderPlaced | OrderRevised)
    categories = {line.category for line in event.lines if line.category is not None}
    return (ORDER, (fact.stream,)), *((CATEGORY, (category,)) for category in categories)


@profile.wants(
    OrderPaid,
    OrderRefunded,
    OrderShipped,
    OrderDelivered,
    OrderCancelled,
    OrderToldOfAnotherCustomer,
)
def _(fact: Fact, _event: Event) -> Wanted:
    return ((ORDER, (fact.stream,)),)


@profile.on(
    TicketOpened,
    TicketMessageAdded,
    TicketAssigned,
    TicketEscalated,
    TicketResolved,
    TicketReopened,
    TicketClosed,
    TicketRated,
)
def _(rows: Rows, fact: Fact, _event: Event) -> None:
    tickets.tell(rows, fact)


@profile.wants(
    TicketOpened,
    TicketMessageAdded,
    TicketAssigned,
    TicketEscalated,
    TicketResolved,
    TicketReopened,
    TicketClosed,
    TicketRated,
)
def _(fact: Fact, _event: Event) -> Wanted:
    return ((TICKET, (fact.stream,)),)


@profile.on(MessageSent)
def _(rows: Rows, fact: Fact, event: MessageSent) -> None:
    row = facets.with_campaign(_row(rows), event.campaign, stamp(fact))
    rows.put(PROFILE, replace(row, messages=row.messages + 1))


@profile.combines
def _(rows: Rows, visitor: Rows) -> None:
    theirs = visitor.get(PROFILE)
    if theirs is None:
        return
    row = rows.get(PROFILE) or Profile(customer=rows.subject, first_seen=theirs.first_seen)
    row = replace(
        row,
        known=row.known or theirs.known,
        first_seen=min(row.first_seen, theirs.first_seen),
        last_seen=latest(row.last_seen, theirs.last_seen),
        messages=row.messages + theirs.messages,
    )
    row = facets.with_kind(row, theirs.kind, theirs.memory.kind)
    row = facets.with_portrait(rows, row, theirs.person)
    row = facets.with_traits(row, Said(theirs.traits, theirs.memory.traits))
    row = facets.with_tags(row, theirs.memory.tags)
    row = facets.with_consents(row, theirs.memory.consents)
    row = facets.with_currency(row, theirs.currency, theirs.memory.currency)
    row = facets.with_campaign(row, theirs.last_campaign, theirs.memory.campaign)
    rows.put(PROFILE, row)
    for order in visitor.all(ORDER).values():
        purchases.take_over(rows, order)
    for ticket in visitor.all(TICKET).values():
        tickets.take_over(rows, ticket)
    for note in visitor.all(NOTE).values():
        _keep_note(rows, replace(note, customer=rows.subject))


def _row(rows: Rows) -> Profile:
    row = rows.get(PROFILE)
    assert row is not None  # the first fact of any kind makes it
    return row


def _keep_note(rows: Rows, note: ProfileNote) -> None:
    before = rows.get(NOTE, note.note_id)
    if before is None:
        row = _row(rows)
        rows.put(PROFILE, replace(row, notes=row.notes + 1))
    elif (before.written_at, before.position) >= (note.written_at, note.position):
        return
    rows.put(NOTE, note)
