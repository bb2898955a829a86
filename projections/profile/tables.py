"""The rows of the profile; `schema.sql` says what each column means."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec

from domain.customer.events import Person
from domain.shared.personal import Personal
from projections.orders import NO_ORDER, ZERO, OrderState
from projections.profile.said import Said, Stamp, Switches
from projections.rows import Row, Table


class Portrait(msgspec.Struct, frozen=True, omit_defaults=True):
    """What says who a customer is: standard fields, and what else a shop told in private."""

    person: Said = Said()
    private: Said = Said()

    def as_person(self) -> Person:
        return msgspec.convert(self.person.values, Person)


class Turnover(msgspec.Struct, frozen=True, omit_defaults=True):
    """Money moved in one currency, and how many purchases were made in it."""

    paid: Decimal = ZERO
    refunded: Decimal = ZERO
    purchases: int = 0


class Memory(msgspec.Struct, frozen=True, omit_defaults=True):
    """When what stands in a profile was said, so that only what is later replaces it."""

    kind: Stamp | None = None
    currency: Stamp | None = None
    campaign: Stamp | None = None
    favourite: Decimal = ZERO  # units of the favourite category
    traits: dict[str, Stamp] = {}
    tags: Switches = {}
    consents: Switches = {}


class Profile(Row, frozen=True, kw_only=True):
    customer: UUID
    known: bool = False
    kind: str | None = None
    person: Personal[Portrait | None] = None
    name_mask: str | None = None
    email_mask: str | None = None
    phone_mask: str | None = None
    email_index: bytes | None = None
    phone_index: bytes | None = None
    tags: tuple[str, ...] = ()
    consents: tuple[str, ...] = ()
    traits: dict[str, Any] = msgspec.field(default_factory=dict)
    first_seen: datetime
    last_seen: datetime | None = None
    orders: int = 0
    purchases: int = 0
    currency: str | None = None
    paid: Decimal = ZERO
    refunded: Decimal = ZERO
    net: Decimal = ZERO
    average: Decimal | None = None
    other_currencies: dict[str, Turnover] = msgspec.field(default_factory=dict)
    favourite_category: str | None = None
    open_tickets: int = 0
    messages: int = 0
    last_campaign: UUID | None = None
    last_campaign_at: datetime | None = None
    notes: int = 0
    memory: Memory = Memory()


class ProfileOrder(Row, frozen=True, kw_only=True):
    customer: UUID
    order_id: UUID
    number: str | None = None
    status: str = "reported"
    channel: str | None = None
    currency: str | None = None
    total: Decimal | None = None
    paid: Decimal = ZERO
    refunded: Decimal = ZERO
    net: Decimal = ZERO
    placed_at: datetime | None = None
    purchased_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    cancelled_at: datetime | None = None
    flags: tuple[str, ...] = ()
    state: OrderState = NO_ORDER


class ProfileCategory(Row, frozen=True, kw_only=True):
    customer: UUID
    category: str
    units: Decimal


class ProfileTicket(Row, frozen=True, kw_only=True):
    customer: UUID
    ticket_id: UUID
    number: str | None = None
    kind: str | None = None
    channel: str | None = None
    order_id: UUID | None = None
    status: str | None = None
    agent: str | None = None
    score: int | None = None
    opened_at: datetime | None = None
    last_message_at: datetime | None = None
    said: Said = Said()


class ProfileNote(Row, frozen=True, kw_only=True):
    customer: UUID
    note_id: UUID
    written_at: datetime
    position: int
    author_kind: str
    author_id: str
    text: Personal[str]


PROFILE: Final = Table("profile", Profile, ("customer",), eager=True)
ORDER: Final = Table("profile_order", ProfileOrder, ("customer", "order_id"))
CATEGORY: Final = Table("profile_category", ProfileCategory, ("customer", "category"))
TICKET: Final = Table("profile_ticket", ProfileTicket, ("customer", "ticket_id"))
NOTE: Final = Table("profile_note", ProfileNote, ("customer", "note_id"))

TABLES: Final = (PROFILE, ORDER, CATEGORY, TICKET, NOTE)
