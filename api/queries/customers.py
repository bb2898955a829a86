"""Questions about customers: one, many, and their stories."""

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response
from starlette.concurrency import run_in_threadpool

from api.jobs import JOB
from api.looking import Look
from api.parameters import KNOWN_ALONE, CustomerId, Instant
from api.queries.deps import (
    ASKED,
    FRESH,
    Connection,
    Cursor,
    Moment,
    Sources,
    TheMoment,
    TheViews,
    Views,
    answers,
    found,
)
from api.responses import CSV, NDJSON, csv_of, ndjson
from domain.customer.events import Kind
from projections.conversion import queries as conversion_queries
from projections.conversion.projection import conversion
from projections.conversion.recipients import recipients_in
from projections.lifecycle.projection import lifecycle
from projections.lifecycle.stages import Stage, Tier
from projections.lifecycle.tables import LIFECYCLE
from projections.paging import Page
from projections.profile import queries
from projections.profile.answers import Customer, shown
from projections.profile.projection import profile
from projections.profile.queries import Part, Sort, Wanted
from projections.profile.tables import PROFILE
from projections.rows import Rows

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
SEEN: Final = ("profile", "lifecycle")
"""The views that a customer is seen in."""
NONE: Final[dict[int | str, dict[str, Any]]] = {404: {"description": "Nobody is known by it."}}
ONE: Final = {**answers(EXAMPLE), **NONE}


class Format(StrEnum):
    """How a long list is written."""

    CSV = "csv"
    NDJSON = "ndjson"


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


class Customers:
    """The customers as one request may see them."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._look = views.look

    async def one(self, customer: UUID, moment: Moment) -> Response:
        """Answer a customer now, or as of a moment. Raises NotFound."""
        if moment.is_now:
            return await self._views.answer(
                SEEN, lambda c: living(c, self._views.sources, customer, self._look)
            )

        def tell(rows: Rows, _at: datetime) -> Customer:
            row = found("customer", customer, rows.get(PROFILE))
            life = self._views.replayed(lifecycle, customer, moment)[0].get(LIFECYCLE)
            answer = shown(row, reveal=self._views.opens(row.customer))
            self._look.saw(answer)
            return msgspec.structs.replace(
                answer, stage=life.stage if life else None, tier=life.tier if life else None
            )

        return await self._views.as_of(profile, customer, moment, tell)

    async def some(self, wanted: Wanted, part: Part, moment: Moment) -> Response:
        """Answer a page of customers now, or queue a job about a moment."""
        if moment.is_now:
            return await self._views.answer(
                SEEN,
                lambda c: self._page(queries.some(c, wanted, part, sealer=self._look.whole)),
            )
        about = {"wanted": wanted, "sort": part.sort, "limit": part.limit}
        return await self._views.everybody("customers", moment, about)

    async def every(self, wanted: Wanted, format: Format) -> Response:
        """Stream all of them, as they are read."""
        headers = await self._views.headers(SEEN)
        if self._look.whole is not None:
            conditions = {k: v for k, v in msgspec.structs.asdict(wanted).items() if v is not None}
            count = await self._views.sources.readers.ask(lambda c: queries.count(c, wanted))
            await self._look.noted(whom=None, conditions=conditions, count=count)
        return await run_in_threadpool(_WRITERS[format], self._each(wanted), headers)

    async def with_index(
        self, look_up: Callable[[Connection, Callable[[str, str], bytes]], list[UUID]]
    ) -> Response:
        """Answer those whom an index finds."""

        def ask(connection: Connection) -> dict[str, list[Customer]]:
            ids = look_up(connection, self._views.sources.sealer.blind)
            each = (
                queries.by_id(connection, who, sealer=self._look.at(connection, who)) for who in ids
            )
            found = [customer for customer in each if customer is not None]
            return {"customers": self._all_seen(found)}

        return await self._views.answer(SEEN, ask)

    def _each(self, wanted: Wanted) -> Iterator[Customer]:
        with self._views.sources.exports.connection() as connection:
            yield from queries.every(connection, wanted, sealer=self._look.whole)

    def _page(self, page: Page[Customer]) -> dict[str, Any]:
        return {"customers": self._all_seen(page.items), "cursor": page.cursor}

    def _all_seen(self, customers: list[Customer]) -> list[Customer]:
        for customer in customers:
            self._look.saw(customer)
        return customers


def living(connection: Connection, sources: Sources, customer: UUID, look: Look) -> Customer:
    """Return a customer as it is now. Raises NotFound."""
    row = queries.by_id(connection, customer, sealer=look.at(connection, customer))
    if row is None:  # a visitor who was recognised lives on in the customer
        whole = sources.reader.customer_of(customer)
        row = queries.by_id(connection, whole, sealer=look.at(connection, whole))
    answer = found("customer", customer, row)
    look.saw(answer)
    return answer


_FIELDS: Final = tuple(f.name for f in msgspec.structs.fields(Customer))
_WRITERS: Final = {
    Format.CSV: lambda rows, headers: csv_of(
        _FIELDS, (msgspec.structs.astuple(row) for row in rows), headers
    ),
    Format.NDJSON: ndjson,
}


async def customers(views: TheViews) -> Customers:
    return Customers(views)


TheCustomers = Annotated[Customers, Depends(customers)]


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
