"""Commands about forgetting a customer."""

from datetime import timedelta
from typing import Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from api.commands.deps import LARGEST_BODY, TOLD, Body, Text, TheDesk, receipt_of
from api.parameters import CustomerId
from commands.erasure import CancelErasure, LiftLegalHold, PlaceLegalHold, RequestErasure
from domain.customer.events import Asker
from infra import clock

router = APIRouter(
    prefix="/api/customers", tags=["privacy"], responses=TOLD, max_body_size=LARGEST_BODY
)

_ERASURE: Final = "1d0e3c8e-8d5f-4a0b-9d5e-2f3a4b5c6d7e"


class HoldBody(Body):
    """Why the law forbids, or does not forbid any more, to forget a customer; sealed."""

    reason: Text = Field(examples=["A claim is before the court"])


@router.post(
    "/{id}/erasure",
    status_code=202,
    summary="Ask that a customer be forgotten",
    responses=receipt_of(202, erasure=_ERASURE),
)
def request_erasure(id: CustomerId, desk: TheDesk, request: Request) -> Response:
    """Have a customer forgotten after the days of grace, once no order and no legal hold is open.

    `erasure` is what to ask after, at `/api/erasures`. Asking again while it is under way is no
    news.
    """
    days = request.app.state.services.settings.erasure_days
    due_at = clock.now() + timedelta(days=days)
    return desk.takes(RequestErasure(customer=id, by=Asker.OFFICER, due_at=due_at))


@router.delete(
    "/{id}/erasure", status_code=202, summary="Let a customer stay", responses=receipt_of(202)
)
def cancel_erasure(id: CustomerId, desk: TheDesk) -> Response:
    """Take a request back, as long as its being carried out has not begun."""
    return desk.takes(CancelErasure(customer=id))


@router.put(
    "/{id}/legal-hold",
    status_code=202,
    summary="Forbid to forget a customer",
    responses=receipt_of(202),
)
def place_legal_hold(id: CustomerId, body: HoldBody, desk: TheDesk) -> Response:
    """Keep that the law forbids to forget the customer; requests wait until it is lifted."""
    return desk.takes(PlaceLegalHold(customer=id, reason=body.reason))


@router.put(
    "/{id}/legal-hold/lifting",
    status_code=202,
    summary="Allow again to forget a customer",
    responses=receipt_of(202),
)
def lift_legal_hold(id: CustomerId, body: HoldBody, desk: TheDesk) -> Response:
    """Keep that the law does not forbid it any more."""
    return desk.takes(LiftLegalHold(customer=id, reason=body.reason))
