"""What can be asked of a customer."""

from typing import Any
from uuid import UUID

import msgspec

from commands.work import Command, Work, handles
from domain.customer.aggregate import Customer
from domain.customer.events import Kind, Person
from domain.shared.channel import Channel


class RegisterCustomer(Command, frozen=True, kw_only=True):
    """Know somebody by the shop's own `id`, and what is said of them. See AssertTraits."""

    customer: UUID
    id: str | None = None
    person: Person | None = None
    traits: dict[str, Any] = msgspec.field(default_factory=dict)
    private: dict[str, Any] = msgspec.field(default_factory=dict)
    kind: Kind | None = None


class AssertTraits(Command, frozen=True, kw_only=True):
    """Say what is known of a customer; None takes a trait back.

    `traits` are kept in the clear, so only what the shop's list allows belongs there; `person` and
    `private` are sealed.
    """

    customer: UUID
    person: Person | None = None
    traits: dict[str, Any] = msgspec.field(default_factory=dict)
    private: dict[str, Any] = msgspec.field(default_factory=dict)


class StateKind(Command, frozen=True, kw_only=True):
    """Say whether a customer is a person or a company."""

    customer: UUID
    kind: Kind


class GrantConsent(Command, frozen=True, kw_only=True):
    """Keep that a customer agreed to a wording."""

    customer: UUID
    channel: Channel
    purpose: str
    source: str
    wording: str


class WithdrawConsent(Command, frozen=True, kw_only=True):
    """Keep that a customer took a consent back, or never wants to be asked."""

    customer: UUID
    channel: Channel
    purpose: str
    source: str
    wording: str


class AddTag(Command, frozen=True, kw_only=True):
    """Put a tag on a customer by hand."""

    customer: UUID
    tag: str


class RemoveTag(Command, frozen=True, kw_only=True):
    """Take a tag off a customer by hand."""

    customer: UUID
    tag: str


class AddNote(Command, frozen=True, kw_only=True):
    """Write something down about a customer. Without an id, the same words are the same note."""

    customer: UUID
    text: str
    note: UUID | None = None


class RevealPersonalData(Command, frozen=True, kw_only=True):
    """Keep that somebody is shown these fields of a customer, and why."""

    customer: UUID
    reason: str
    fields: tuple[str, ...]


@handles(RegisterCustomer)
def register_customer(command: RegisterCustomer, crm: Work) -> None:
    customer = crm.get(Customer, command.customer, likely_new=True)
    customer.register(command.id)
    if command.person is not None or command.traits or command.private:
        customer.assert_traits(command.person, command.traits, command.private)
    if command.kind is not None:
        customer.state_kind(command.kind)
    crm.keep(customer)


@handles(AssertTraits)
def assert_traits(command: AssertTraits, crm: Work) -> None:
    customer = crm.get(Customer, command.customer)
    customer.assert_traits(command.person, command.traits, command.private)
    crm.keep(customer)


@handles(StateKind)
def state_kind(command: StateKind, crm: Work) -> None:
    customer = crm.get(Customer, command.customer)
    customer.state_kind(command.kind)
    crm.keep(customer)


@handles(GrantConsent)
def grant_consent(command: GrantConsent, crm: Work) -> None:
    customer = crm.get(Customer, command.customer)
    customer.grant_consent(command.channel, command.purpose, command.source, command.wording)
    crm.keep(customer)


@handles(WithdrawConsent)
def withdraw_consent(command: WithdrawConsent, crm: Work) -> None:
    customer = crm.get(Customer, command.customer)
    customer.withdraw_consent(command.channel, command.purpose, command.source, command.wording)
    crm.keep(customer)


@handles(AddTag)
def add_tag(command: AddTag, crm: Work) -> None:
    customer = crm.get(Customer, command.customer)
    customer.add_tag(command.tag)
    crm.keep(customer)


@handles(RemoveTag)
def remove_tag(command: RemoveTag, crm: Work) -> None:
    customer = crm.get(Customer, command.customer)
    customer.remove_tag(command.tag)
    crm.keep(customer)


@handles(AddNote)
def add_note(command: AddNote, crm: Work) -> dict[str, UUID]:
    customer = crm.get(Customer, command.customer)
    note = command.note or crm.ids.derive(
        crm.shop, "note", command.customer.hex, command.text.strip()
    )
    customer.add_note(note, command.text)
    crm.keep(customer)
    return {"note": note}


@handles(RevealPersonalData)
def reveal_personal_data(command: RevealPersonalData, crm: Work) -> None:
    customer = crm.get(Customer, command.customer)
    customer.reveal(command.reason, command.fields)
    crm.keep(customer)
