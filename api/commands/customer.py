"""Commands about customers."""

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from pydantic import AfterValidator, Field

from api.commands.deps import (
    LARGEST_BODY,
    TOLD,
    Body,
    Name,
    Text,
    TheDesk,
    Traits,
    UserId,
    receipt_of,
)
from api.parameters import CustomerId
from commands.customer import (
    AddNote,
    AddTag,
    AssertTraits,
    GrantConsent,
    RegisterCustomer,
    RemoveTag,
    StateKind,
    WithdrawConsent,
)
from domain.customer import events
from domain.customer.events import Kind
from domain.shared.channel import Channel

router = APIRouter(
    prefix="/api/customers", tags=["customers"], responses=TOLD, max_body_size=LARGEST_BODY
)


_MAILED: Final = re.compile(r"[^@\s]+@[^@\s]+")
_NOTHING: Final = ""
"""Stands in a fact for what was taken back."""


def _mailed_to(value: str) -> str:
    if value.strip() and not _MAILED.fullmatch(value.strip()):
        raise ValueError("is no e-mail address, as in ada@example.com")
    return value


Mailed = Annotated[Text, AfterValidator(_mailed_to)]
"""An e-mail address."""


class Address(Body):
    """Where somebody lives or receives parcels."""

    street: Text | None = None
    city: Text | None = None
    state: Text | None = None
    postal_code: Text | None = None
    country: Text | None = None


class Person(Body):
    """Who somebody is; sealed before it is written.

    What is left out stays as it was; what is null is taken back. `email` has to be an address.
    """

    name: Text | None = Field(None, examples=["Ada Lovelace"])
    first_name: Text | None = None
    last_name: Text | None = None
    email: Mailed | None = Field(None, examples=["ada@example.com"])
    phone: Text | None = Field(None, examples=["+44 20 7946 0018"])
    address: Address | None = None
    birthday: Text | None = Field(None, examples=["1815-12-10"])
    title: Text | None = None
    company: Text | None = None
    username: Text | None = None
    website: Text | None = None
    avatar: Text | None = None
    description: Text | None = None

    def value(self) -> events.Person:
        said: dict[str, Any] = dict.fromkeys(self.model_fields_set, _NOTHING)
        said |= self.model_dump(exclude={"address"}, exclude_none=True)
        if "address" in said:
            said["address"] = events.Address(**self.address.model_dump() if self.address else {})
        return events.Person(**said)


class Registration(Body):
    """A customer, by the shop's own id."""

    user: UserId = Field(examples=["42"])
    person: Person | None = None
    traits: Traits = Field({}, examples=[{"plan": "gold"}])
    kind: Kind | None = None


class TraitsBody(Body):
    """What is known of a customer; a trait that is null is taken back."""

    person: Person | None = None
    traits: Traits = Field({}, examples=[{"plan": "gold", "newsletter": None}])


class KindBody(Body):
    """Person or company."""

    kind: Kind


class ConsentBody(Body):
    """Where the customer said so, sealed; the wording they read, in the clear: it names nobody."""

    source: Text = Field(examples=["checkout"])
    wording: Text = Field(examples=["newsletter-2026-01"])


class NoteBody(Body):
    """Something worth remembering; sealed."""

    text: Text = Field(max_length=20_000, examples=["Prefers to be called in the afternoon."])


@router.post("", status_code=201, summary="Register a customer", responses=receipt_of(201))
def register(body: Registration, desk: TheDesk) -> Response:
    """Know somebody by the shop's own id; the same id gives the same customer, however often."""
    clear, private = desk.deal(body.traits)
    return desk.creates(
        RegisterCustomer(
            customer=desk.ids.user(desk.shop, body.user),
            id=body.user,
            person=body.person.value() if body.person else None,
            traits=clear,
            private={"id": body.user, **private},
            kind=body.kind,
        ),
        "/api/customers",
    )


@router.put("/{id}/traits", status_code=202, summary="Say who it is", responses=receipt_of(202))
def assert_traits(id: CustomerId, body: TraitsBody, desk: TheDesk) -> Response:
    """Keep what is known of a customer. What may say who somebody is, is sealed."""
    clear, private = desk.deal(body.traits)
    return desk.takes(
        AssertTraits(
            customer=id,
            person=body.person.value() if body.person else None,
            traits=clear,
            private=private,
        )
    )


@router.put("/{id}/kind", status_code=202, summary="Person or company", responses=receipt_of(202))
def state_kind(id: CustomerId, body: KindBody, desk: TheDesk) -> Response:
    """Say whether a customer is a person or a company."""
    return desk.takes(StateKind(customer=id, kind=body.kind))


@router.put(
    "/{id}/consents/{channel}/{purpose}",
    status_code=202,
    summary="Grant consent",
    responses=receipt_of(202),
)
def grant_consent(
    id: CustomerId, channel: Channel, purpose: Name, body: ConsentBody, desk: TheDesk
) -> Response:
    """Keep that a customer agreed to a wording, for messages on a channel for a purpose."""
    return desk.takes(
        GrantConsent(
            customer=id,
            channel=channel,
            purpose=purpose,
            source=body.source,
            wording=body.wording,
        )
    )


@router.put(
    "/{id}/consents/{channel}/{purpose}/withdrawal",
    status_code=202,
    summary="Withdraw consent",
    responses=receipt_of(202),
)
def withdraw_consent(
    id: CustomerId, channel: Channel, purpose: Name, body: ConsentBody, desk: TheDesk
) -> Response:
    """Keep that a customer took a consent back, or never wants to be asked."""
    return desk.takes(
        WithdrawConsent(
            customer=id,
            channel=channel,
            purpose=purpose,
            source=body.source,
            wording=body.wording,
        )
    )


@router.put("/{id}/tags/{tag}", status_code=202, summary="Add a tag", responses=receipt_of(202))
def add_tag(id: CustomerId, tag: Name, desk: TheDesk) -> Response:
    """Put a tag on a customer by hand.

    It stands in the clear for good, so it must name nobody: one with an address is refused.
    """
    return desk.takes(AddTag(customer=id, tag=tag))


@router.delete(
    "/{id}/tags/{tag}", status_code=202, summary="Remove a tag", responses=receipt_of(202)
)
def remove_tag(id: CustomerId, tag: Name, desk: TheDesk) -> Response:
    """Take a tag off a customer by hand."""
    return desk.takes(RemoveTag(customer=id, tag=tag))


@router.post(
    "/{id}/notes",
    status_code=202,
    summary="Add a note",
    responses=receipt_of(202, note="0f8fad5b-d9cb-869f-a165-70867728950e"),
)
def add_note(id: CustomerId, body: NoteBody, desk: TheDesk) -> Response:
    """Write something down about a customer. The same words again are the same note."""
    return desk.takes(AddNote(customer=id, text=body.text))
