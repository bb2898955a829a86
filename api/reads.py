"""Who read whose personal data: the access log, searched."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Response

from api.audit import TheArchive
from api.parameters import FARTHEST, KNOWN_ALONE, ActorId, CustomerAsked, Instant
from api.responses import Json
from infra.access_log import Access, Asked
from projections.by import By

router = APIRouter(prefix="/api/audit/access", tags=["audit"], dependencies=[KNOWN_ALONE])

EXAMPLE: Final = {
    "id": 81,
    "at": "2026-11-20T10:15:00Z",
    "by": {"kind": "key", "id": "6f2c0b9e-7d0e-4d52-9d5a-0c8f6d2b7a11", "name": "grace"},
    "customers": ["8a4f5f6e-1c1b-8a77-9b53-1f0c7d1a2b3c"],
    "operation": "GET /api/customers/{id}",
    "basis": "serves them",
    "reason": None,
    "request": "0b1c2d3e4f5061728394a5b6c7d8e9f0",
    "shop": "shop",
    "conditions": {},
    "count": None,
}
_PAGE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/json": {"example": {"reads": [EXAMPLE], "next": 81}}}}
}


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """One read of personal data, as auditors are told of it."""

    id: int
    at: datetime
    by: By
    customers: tuple[UUID, ...] | None
    operation: str
    basis: str
    reason: str | None
    request: str
    shop: str
    conditions: dict[str, Any]
    count: int | None


@router.get("", summary="Who read whose personal data", responses=_PAGE)
def reads(
    archive: TheArchive,
    customer: CustomerAsked,
    actor: Annotated[
        ActorId | None,
        Query(description="Id of the key that read; at the machine: `system:` and the user."),
    ] = None,
    since: Annotated[Instant | None, Query(description="Read at or after.")] = None,
    until: Annotated[Instant | None, Query(description="Read before.")] = None,
    after: Annotated[
        int | None, Query(ge=1, le=FARTHEST, description="`next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Give every read of a person's unmasked data, the latest first.

    `basis` is what allowed it: a scope, a role, that the reader serves the customer, or that it was
    revealed for a `reason`. `request` is the `X-Request-ID` of the answer. Of an export, and of
    refused events, `customers` is null; `conditions` and `count` say what was read. A `reason` may
    tell of the person: it is "sealed" for who may not see persons, and who reads it stands in this
    log too.
    """
    asked = Asked(
        actor=actor,
        customers=archive.origins(customer) if customer else None,
        since=since,
        until=until,
        after=after,
    )
    kept = archive.reads(asked, limit)
    names = archive.names()
    told = [_told(number, access, names.get(access.actor_id)) for number, access in kept]
    return Json({"reads": told, "next": kept[-1].id if len(kept) == limit else None})


def _told(number: int, access: Access, name: str | None) -> Read:
    return Read(
        id=number,
        at=access.at,
        by=By(kind=access.actor_kind, id=access.actor_id, name=name),
        customers=access.whom,
        operation=access.operation,
        basis=access.basis,
        reason=access.reason,
        request=access.request,
        shop=access.shop,
        conditions=access.conditions,
        count=access.count,
    )
