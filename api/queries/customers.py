"""Questions about customers: one, many, and what they were recipients of."""

from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from api.jobs import JOB
from api.parameters import KNOWN_ALONE, CustomerId, Instant
from api.queries.deps import (
    ASKED,
    FRESH,
    Connection,
    Cursor,
    TheMoment,
    TheViews,
    answers,
)
from api.queries.seeing import Format, TheCustomers
from api.responses import CSV, NDJSON
from domain.customer.events import Kind
from projections.conversion import queries as conversion_queries
from projections.conversion.projection import conversion
from projections.conversion.recipients import recipients_in
from projections.lifecycle.stages import Stage, Tier
from projections.profile import queries
from projections.profile.queries import Part, Sort, Wanted

router = APIRouter(
    prefix="/api/customers", tags=["customers"], responses=ASKED, dependencies=[KNOWN_ALONE]
)

EXAMPLE: Final = {
    "customer": "8a4f5f6e-1c1b-8a77-9b53-1f0c7d1a2b3c",
    "known": True,
    "kind": "person",
    "name": "A••• L•••",
    "email": "a•••@e•••.com",
    "phone": None,
    "masked": True,
    "tags": ["vip"],
    "consents": ["email:newsletter"],
    "traits": {"plan": "gold"},
    "first_seen": "2025-11-02T09:12:00Z",
    "last_seen": "2026-11-20T10:15:00Z",
    "orders": 4,
    "purchases": 4,
    "currency": "USD",
    "paid": "170.00",
    "refunded": "21.25",
    "net": "148.75",
    "average": "37.19",
    "favourite_category": "tea",
    "open_tickets": 0,
    "stage": "active",
    "tier": "low",
}
NONE: Final[dict[int | str, dict[str, Any]]] = {404: {"description": "Nobody is known by it."}}
ONE: Final = {**answers(EXAMPLE), **NONE}


def wanted(
    stage: Stage | None = None,
    tier: Tier | None = None,
    tag: Annotated[str | None, Query(max_length=200, examples=["vip"])] = None,
    kind: Kind | None = None,
    known: Annotated[bool | None, Query(description="false: visitors only.")] = None,
    consent: Annotated[str | None, Query(max_length=400, examples=["email:newsletter"])] = None,
    seen_since: Annotated[Instant | None, Query(description="Last active at or after.")] = None,
    seen_before: Annotated[Instant | None, Query(description="Last active before.")] = None,
    net_from: Annotated[Decimal | None, Query(description="Net value at least.")] = None,
    net_to: Annotated[Decimal | None, Query(description="Net value at most.")] = None,
) -> Wanted:
    """Say which customers: all conditions that are given must hold."""
    return Wanted(
        stage=stage,
        tier=tier,
        tag=tag,
        kind=kind,
        known=known,
        consent=consent,
        seen_since=seen_since,
        seen_before=seen_before,
        net_from=net_from,
        net_to=net_to,
    )


WantedCustomers = Annotated[Wanted, Depends(wanted)]
Value = Annotated[str, Path(max_length=400)]


@router.get(
    "",
    summary="Find customers",
    responses={**answers({"customers": [EXAMPLE], "cursor": "WyItbGFzdF9zZWVuIl0"}), **JOB},
)
async def some(
    customers: TheCustomers,
    wanted: WantedCustomers,
    moment: TheMoment,
    sort: Annotated[Sort, Query(description="`-` begins with the largest or latest.")] = (
        Sort.LAST_SEEN_DOWN
    ),
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=queries.LARGEST_PAGE)] = 50,
) -> Response:
    """Find customers by stage, tier, tag, kind, consent, activity and value, a page at a time.

    With `at` or `known_at` it is about everybody at another moment: a job, and 202.
    """
    return await customers.some(wanted, Part(sort=sort, cursor=cursor, limit=limit), moment)


@router.get(
    "/export",
    summary="Stream customers as CSV or NDJSON",
    response_class=Response,
    responses={200: {"headers": FRESH, "content": {NDJSON: {"example": EXAMPLE}, CSV: {}}}},
)
async def export(
    customers: TheCustomers, wanted: WantedCustomers, format: Format = Format.CSV
) -> Response:
    """Give all that meet the conditions, in no particular order, however many they are."""
    return await customers.every(wanted, format)


@router.get("/by/user/{value}", summary="A customer by the shop's own id", responses=ONE)
async def by_user(
    value: Value, customers: TheCustomers, views: TheViews, moment: TheMoment
) -> Response:
    """Give who the shop knows by this id."""
    return await customers.one(views.sources.ids.user(views.key.shop, value), moment)


@router.get("/by/anonymous/{value}", summary="Whoever a visitor turned out to be", responses=ONE)
async def by_anonymous(
    value: Value, customers: TheCustomers, views: TheViews, moment: TheMoment
) -> Response:
    """Give the visitor with this anonymous id, or the customer that it was recognised as."""
    return await customers.one(views.sources.ids.anonymous(views.key.shop, value), moment)


@router.get("/{id}", summary="A customer", responses=ONE)
async def one(id: CustomerId, customers: TheCustomers, moment: TheMoment) -> Response:
    """Give all that is known of a customer in one row, now or as of any moment.

    What says who somebody is, is masked for who may not see it.
    """
    return await customers.one(id, moment)


@router.get(
    "/{id}/campaigns",
    summary="What a customer was a recipient of, and what came of it",
    responses=answers({"campaigns": []}),
)
async def campaigns(id: CustomerId, views: TheViews, moment: TheMoment) -> Response:
    """Give each assignment with its arm, messages and purchases, now or as of any moment."""
    if moment.known_at is not None:
        return await views.as_of(
            conversion, id, moment, lambda rows, at: {"campaigns": recipients_in(rows, at)}
        )
    at = moment.at or views.now

    def ask(connection: Connection) -> dict[str, Any]:
        whole = views.sources.reader.customer_of(id)
        return {"campaigns": conversion_queries.recipient_of(connection, whole, at)}

    return await views.answer("conversion", ask)
