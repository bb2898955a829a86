"""What happens to customers."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from domain.shared.channel import Channel
from domain.shared.events import Event, Value, fact
from domain.shared.personal import Personal

ANONYMOUS: Final = "anonymous"
MATTER: Final = "matter"


class Kind(StrEnum):
    """Whether a customer is one human being or an organisation."""

    PERSON = "person"
    COMPANY = "company"


class Address(Value, frozen=True, kw_only=True):
    """Where somebody lives or receives parcels, as they wrote it."""

    street: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Person(Value, frozen=True, kw_only=True):
    """What says who somebody is. None: was not asserted; empty: was removed."""

    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    address: Address | None = None
    birthday: str | None = None
    title: str | None = None
    company: str | None = None
    username: str | None = None
    website: str | None = None
    avatar: str | None = None
    description: str | None = None


@fact("customer.registered")
class CustomerRegistered(Event, frozen=True, kw_only=True):
    """Somebody became known to the shop by an id of their own, the shop's word for them."""

    id: Personal[str | None] = None


@fact("customer.visitor-recognised")
class VisitorRecognised(Event, frozen=True, kw_only=True):
    """A visitor turned out to be this customer, who takes over the visitor's past."""

    identity: UUID
    customer: UUID


@fact("customer.known-by-another-id")
class KnownByAnotherId(Event, frozen=True, kw_only=True):
    """The customer is also known by another identity; its past belongs to the customer now.

    `kind`: anonymous, or matter (an order or a ticket that was nobody's known till then).
    """

    identity: UUID
    kind: str


@fact("customer.visitor-redirected")
class VisitorRedirected(Event, frozen=True, kw_only=True):
    """A shared device: what this visitor does from now on is this customer's, its past is not."""

    visitor: UUID


@fact("customer.traits-asserted")
class TraitsAsserted(Event, frozen=True, kw_only=True):
    """The shop said what it knows of a customer. A trait that is None was taken back."""

    person: Personal[Person | None] = None
    traits: dict[str, Any] = {}
    private: Personal[dict[str, Any] | None] = None


@fact("customer.kind-stated")
class KindStated(Event, frozen=True, kw_only=True):
    """A customer is a person, or a company."""

    kind: Kind


@fact("customer.consent-granted", version=2)
class ConsentGranted(Event, frozen=True, kw_only=True):
    """The customer allowed messages on a channel for a purpose, by a wording that they read."""

    channel: Channel
    purpose: str
    source: Personal[str]
    wording: str

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Leave `source` as it is: it was in the clear."""


@fact("customer.consent-withdrawn", version=2)
class ConsentWithdrawn(Event, frozen=True, kw_only=True):
    """The customer took a consent back."""

    channel: Channel
    purpose: str
    source: Personal[str]
    wording: str

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Leave `source` as it is: it was in the clear."""


@fact("customer.tag-added")
class TagAdded(Event, frozen=True, kw_only=True):
    """Somebody put a tag on the customer by hand; the actor says who."""

    tag: str


@fact("customer.tag-removed")
class TagRemoved(Event, frozen=True, kw_only=True):
    """Somebody took a tag off the customer by hand."""

    tag: str


@fact("customer.note-added")
class NoteAdded(Event, frozen=True, kw_only=True):
    """Somebody wrote down something worth remembering about the customer."""

    note: UUID
    text: Personal[str]


@fact("customer.personal-data-revealed")
class PersonalDataRevealed(Event, frozen=True, kw_only=True):
    """Somebody who otherwise sees masks was shown these fields whole, and said why."""

    reason: Personal[str]
    fields: tuple[str, ...]


class Asker(StrEnum):
    """Who asked that a customer be forgotten: somebody of the shop, or the customer."""

    OFFICER = "officer"
    CUSTOMER = "customer"


@fact("customer.erasure-requested")
class ErasureRequested(Event, frozen=True, kw_only=True):
    """Somebody asked that the customer be forgotten, from an instant on at the earliest."""

    erasure: UUID
    by: Asker
    due_at: datetime


@fact("customer.erasure-cancelled")
class ErasureCancelled(Event, frozen=True, kw_only=True):
    """The customer is to stay known after all."""

    erasure: UUID


@fact("customer.erasure-begun")
class ErasureBegun(Event, frozen=True, kw_only=True):
    """From here on keys are destroyed, and it is too late to let the customer stay.

    `identities`: all that the customer was known by; who turns out to be theirs meanwhile goes too.
    """

    erasure: UUID
    identities: tuple[UUID, ...]


@fact("customer.erased")
class CustomerErased(Event, frozen=True, kw_only=True):
    """The customer is forgotten: the keys of all these identities are destroyed."""

    erasure: UUID
    identities: tuple[UUID, ...]


@fact("customer.erasure-certified")
class ErasureCertified(Event, frozen=True, kw_only=True):
    """A certificate says what of the customer was destroyed where; SHA-256 of it, in hex."""

    erasure: UUID
    digest: str


@fact("customer.legal-hold-placed", version=2)
class LegalHoldPlaced(Event, frozen=True, kw_only=True):
    """The law forbids to forget the customer for the time being."""

    reason: Personal[str]

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Leave `reason` as it is: it was in the clear."""


@fact("customer.legal-hold-lifted", version=2)
class LegalHoldLifted(Event, frozen=True, kw_only=True):
    """The law does not forbid any more that the customer be forgotten.

    `reason` None: their erasure had begun, and nothing can be sealed for them any more.
    """

    reason: Personal[str | None] = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Leave `reason` as it is: it was in the clear."""
