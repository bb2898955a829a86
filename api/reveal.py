"""Showing a customer whole to somebody who sees masks: for a reason, which is kept."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api.access import PERSON, anywhere
from api.commands.deps import LARGEST_BODY, TOLD, Body, Text
from api.looking import TheLook
from api.parameters import KNOWN_ALONE, CustomerId
from api.queries.customers import EXAMPLE
from api.queries.deps import FRESH
from api.queries.seeing import SEEN, living
from api.responses import Json
from api.security import TheKey
from api.services import TheServices
from commands.customer import RevealPersonalData
from domain.shared.text import LONGEST_PROSE, text

router = APIRouter(
    prefix="/api/customers",
    tags=["customers"],
    responses=TOLD,
    dependencies=[KNOWN_ALONE],
    max_body_size=LARGEST_BODY,
)

_SHOWN: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Who it is.",
        "headers": FRESH,
        "content": {
            "application/json": {
                "example": {
                    **EXAMPLE,
                    "name": "Ada Lovelace",
                    "email": "ada@example.com",
                    "masked": False,
                }
            }
        },
    },
    404: {"description": "Nobody is known by it."},
}


class Reason(Body):
    """Why somebody has to see who it is; sealed with the customer's key."""

    reason: Text = Field(min_length=1, max_length=LONGEST_PROSE, examples=["She asks for a call."])


@router.post("/{id}/reveal", summary="See who a customer is", responses=_SHOWN)
async def reveal(
    request: Request,
    id: CustomerId,
    body: Reason,
    services: TheServices,
    key: TheKey,
    look: TheLook,
) -> Response:
    """Give a customer with what says who it is, to who otherwise sees masks, once.

    It is a fact of the customer, with the reason and who asked; and it stands in the access log,
    which has it first: where that refuses, nothing is recorded.
    """
    reason = text("reason", body.reason, longest=LONGEST_PROSE)
    sources = services.sources
    fresh = await sources.freshness.reach(SEEN, 0)
    shown = await sources.readers.ask(lambda c: living(c, sources, id, look))

    def record(customer: UUID) -> int | None:
        receipt = services.crm.dispatch(
            RevealPersonalData(customer=customer, reason=reason, fields=PERSON),
            actor=key.actor,
            shop=key.shop,
            source=key.source,
            correlation=request.scope["request_id"],
            anywhere=anywhere(key.roles, key.scopes),
        )
        return receipt.position

    await look.noted(whom=(shown.customer,), basis="revealed", reason=reason)
    position = await run_in_threadpool(record, shown.customer)
    headers = {**sources.freshness.headers(fresh), "X-Position": str(position)}
    return Json(shown, headers=headers)
