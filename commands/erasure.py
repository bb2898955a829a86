"""What can be asked about forgetting a customer."""

from datetime import datetime
from uuid import UUID

from commands.work import Command, Work, handles
from domain.customer.aggregate import Customer, NotToBeForgotten
from domain.customer.events import Asker
from domain.shared.log import Heard
from domain.shared.refusals import Malformed


class RequestErasure(Command, frozen=True, kw_only=True):
    """Have a customer forgotten, from an instant on at the earliest."""

    customer: UUID
    by: Asker
    due_at: datetime


class CancelErasure(Command, frozen=True, kw_only=True):
    """Let a customer stay known after all."""

    customer: UUID


class BeginErasure(Command, frozen=True, kw_only=True):
    """Say that the keys of these identities, all of the customer's, are destroyed from now on.

    `upto`: the position up to which it was looked whether anything stands against it.
    """

    customer: UUID
    erasure: UUID
    identities: tuple[UUID, ...]
    upto: int


class ConfirmErasure(Command, frozen=True, kw_only=True):
    """Say that the keys of these identities, which were all of the customer's, are destroyed."""

    customer: UUID
    erasure: UUID
    identities: tuple[UUID, ...]


class CertifyErasure(Command, frozen=True, kw_only=True):
    """Say that a certificate was made, and its digest."""

    customer: UUID
    erasure: UUID
    digest: str


class PlaceLegalHold(Command, frozen=True, kw_only=True):
    """Keep that the law forbids to forget the customer for the time being."""

    customer: UUID
    reason: str


class LiftLegalHold(Command, frozen=True, kw_only=True):
    """Keep that the law does not forbid it any more."""

    customer: UUID
    reason: str


@handles(RequestErasure)
def request_erasure(command: RequestErasure, crm: Work) -> dict[str, UUID | None]:
    customer = _customer(command, crm)
    customer.request_erasure(crm.fresh(), command.by, command.due_at)
    crm.keep(customer)
    return {"erasure": customer.erasure}


@handles(CancelErasure)
def cancel_erasure(command: CancelErasure, crm: Work) -> None:
    customer = _customer(command, crm)
    customer.cancel_erasure()
    crm.keep(customer)


@handles(BeginErasure)
def begin_erasure(command: BeginErasure, crm: Work) -> None:
    customer = _customer(command, crm)
    if crm.owner_of(command.customer) != command.customer:  # a visitor's, who was recognised
        raise NotToBeForgotten
    crm.heard = Heard(origins=command.identities, upto=command.upto)
    customer.begin_erasure(command.erasure, command.identities)
    crm.keep(customer)


@handles(ConfirmErasure)
def confirm_erasure(command: ConfirmErasure, crm: Work) -> None:
    customer = _customer(command, crm)
    customer.erase(command.erasure, command.identities)
    crm.keep(customer)


@handles(CertifyErasure)
def certify_erasure(command: CertifyErasure, crm: Work) -> None:
    customer = _customer(command, crm)
    customer.certify_erasure(command.erasure, command.digest)
    crm.keep(customer)


@handles(PlaceLegalHold)
def place_legal_hold(command: PlaceLegalHold, crm: Work) -> None:
    customer = _customer(command, crm)
    customer.place_hold(command.reason)
    crm.keep(customer)


@handles(LiftLegalHold)
def lift_legal_hold(command: LiftLegalHold, crm: Work) -> None:
    customer = _customer(command, crm)
    customer.lift_hold(command.reason)
    crm.keep(customer)


def _customer(command: "_Command", crm: Work) -> Customer:
    """Return whom a command is about. Raises Malformed for one that was asked earlier than now."""
    if command.occurred_at is not None:
        raise Malformed(field="occurred_at", why="is now: days of grace are counted from it")
    customer = crm.get(Customer, command.customer)
    if not customer.known and crm.is_met(customer):
        customer.meet()
    return customer


_Command = (
    RequestErasure
    | CancelErasure
    | BeginErasure
    | ConfirmErasure
    | CertifyErasure
    | PlaceLegalHold
    | LiftLegalHold
)
