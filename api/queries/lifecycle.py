"""Questions about lifecycles: how many in each stage, who moved, and what if."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api.jobs import JOB
from api.parameters import KNOWN_ALONE, CustomerId, Instant
from api.queries.deps import (
    ASKED,
    Connection,
    Cursor,
    Moment,
    TheMoment,
    TheViews,
    Views,
    answers,
    found,
    in_one_snapshot,
)
from projections.lifecycle import queries
from projections.lifecycle.answers import Standing, standing_of
from projections.lifecycle.projection import lifecycle
from projections.lifecycle.queries import WantedMoves
from projections.lifecycle.stages import DEFAULT, Policy, Stage, Tier
from projections.lifecycle.tables import LifecycleMove
from projections.paging import Page
from projections.rows import Rows

router = APIRouter(
    prefix="/api/lifecycle", tags=["lifecycle"], responses=ASKED, dependencies=[KNOWN_ALONE]
)
of_one = APIRouter(
    prefix="/api/customers", tags=["customers"], responses=ASKED, dependencies=[KNOWN_ALONE]
)

COUNTS: Final = {
    "at": "2026-11-20T00:00:00Z",
    "customers": 4338,
    "stages": {
        "visitor": 0,
        "prospect": 0,
        "idle prospect": 0,
        "new": 252,
        "won back": 316,
        "active": 2321,
        "silent": 588,
        "lost": 861,
    },
    "tiers": {"high": 920, "general": 2401, "low": 1001, "none": 16},
}
MOVE: Final = {
    "customer": "8a4f5f6e-1c1b-8a77-9b53-1f0c7d1a2b3c",
    "dimension": "stage",
    "at": "2026-11-20T10:15:00Z",
    "was": "silent",
    "became": "won back",
    "cause": 1204,
}
STANDING: Final = {
    "customer": MOVE["customer"],
    "at": COUNTS["at"],
    "stage": {"place": "active", "since": "2026-10-01T08:00:00Z", "cause": 804, "before": "new"},
    "tier": {"place": "low", "since": "2026-09-01T08:00:00Z", "cause": 611, "before": "none"},
    "next": {"at": "2026-12-30T08:00:00Z", "stage": "silent"},
    "purchases": 2,
}


class Dimension(StrEnum):
    """What moves."""

    STAGE = "stage"
    TIER = "tier"


def wanted(
    customer: UUID | None = None,
    dimension: Dimension | None = None,
    was: Annotated[Stage | Tier | None, Query(examples=["active"])] = None,
    became: Annotated[Stage | Tier | None, Query(examples=["silent"])] = None,
    since: Annotated[Instant | None, Query(description="Moved at or after.")] = None,
    before: Annotated[Instant | None, Query(description="Moved before.")] = None,
) -> WantedMoves:
    """Say which moves: all conditions that are given must hold."""
    return WantedMoves(
        customer=customer,
        dimension=dimension,
        was=was,
        became=became,
        since=since,
        before=before,
    )


OfShop = Annotated[str | None, Query(max_length=100, description="Only customers of this shop.")]
Days = Annotated[int, Query(ge=1, le=36_500)]
Value = Annotated[Decimal, Query(ge=0, max_digits=21, decimal_places=6)]


def policy(
    new_days: Days = DEFAULT.new_days,
    silent_after_days: Days = DEFAULT.silent_after_days,
    lost_after_days: Days = DEFAULT.lost_after_days,
    won_back_days: Days = DEFAULT.won_back_days,
    high_value: Value = DEFAULT.high_value,
    general_value: Value = DEFAULT.general_value,
    currency: Annotated[str | None, Query(min_length=3, max_length=3)] = None,
) -> Policy:
    """Say under which policy; what is left out has its default."""
    return Policy(
        new_days=new_days,
        silent_after_days=silent_after_days,
        lost_after_days=lost_after_days,
        won_back_days=won_back_days,
        high_value=high_value,
        general_value=general_value,
        currency=currency or DEFAULT.currency,
    )


class Lifecycles:
    """Stages and tiers as one request may ask about them."""

    def __init__(self, views: Views) -> None:
        self._views = views

    async def counts(self, moment: Moment, shop: str | None) -> Response:
        """Answer how many were where at an instant, or queue a job about an old position."""
        at = moment.at or self._views.now
        if moment.known_at is None:
            return await self._ask(lambda c: queries.counts(c, at, shop=shop))
        return await self._views.everybody("lifecycle", moment, {"shop": shop})

    async def what_if(self, at: datetime | None, policy: Policy, shop: str | None) -> Response:
        asked_at = at or self._views.now
        return await self._ask(lambda c: queries.what_if(c, asked_at, policy, shop=shop))

    async def moves(self, wanted: WantedMoves, cursor: str | None, limit: int) -> Response:
        return await self._ask(
            lambda c: _page(queries.moves(c, wanted, cursor=cursor, limit=limit))
        )

    async def one(self, customer: UUID, moment: Moment) -> Response:
        """Answer where a customer stands, live or replayed. Raises NotFound."""
        at = moment.at or self._views.now
        if moment.known_at is None:
            return await self._ask(lambda c: self._standing(c, customer, at))

        def tell(rows: Rows, about: datetime) -> Standing:
            return found("customer", customer, standing_of(rows, about))

        return await self._views.as_of(lifecycle, customer, moment, tell)

    async def _ask(self, ask: Callable[[Connection], Any]) -> Response:
        return await self._views.answer("lifecycle", in_one_snapshot(ask))

    def _standing(self, connection: Connection, customer: UUID, at: datetime) -> Standing:
        whole = self._views.sources.reader.customer_of(customer)
        return found("customer", customer, queries.customer(connection, whole, at))


def _page(page: Page[LifecycleMove]) -> dict[str, Any]:
    return {"moves": page.items, "cursor": page.cursor}


async def lifecycles(views: TheViews) -> Lifecycles:
    return Lifecycles(views)


TheLifecycles = Annotated[Lifecycles, Depends(lifecycles)]


@router.get("", summary="Customers by stage and tier", responses={**answers(COUNTS), **JOB})
async def counts(lifecycles: TheLifecycles, moment: TheMoment, shop: OfShop = None) -> Response:
    """Count customers by stage and tier at any instant, past or (if nothing happens) future.

    With `known_at` it is about everybody at an old position: a job, and 202.
    """
    return await lifecycles.counts(moment, shop)


@router.get(
    "/moves",
    summary="Who moved, when and why",
    responses=answers({"moves": [MOVE], "cursor": None}),
)
async def moves(
    lifecycles: TheLifecycles,
    wanted: Annotated[WantedMoves, Depends(wanted)],
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=queries.LARGEST_PAGE)] = 50,
) -> Response:
    """Give moves, the latest first; `cause` is the fact's position, null for time alone."""
    return await lifecycles.moves(wanted, cursor, limit)


@router.get("/what-if", summary="Stages under another policy", responses=answers(COUNTS))
async def what_if(
    lifecycles: TheLifecycles,
    policy: Annotated[Policy, Depends(policy)],
    at: Instant | None = None,
    shop: OfShop = None,
) -> Response:
    """Count customers as if this policy had always held. Nothing is adopted."""
    return await lifecycles.what_if(at, policy, shop)


@of_one.get(
    "/{id}/lifecycle",
    summary="Where a customer stands, and why",
    responses={**answers(STANDING), 404: {"description": "Nobody is known by it."}},
)
async def one(id: CustomerId, lifecycles: TheLifecycles, moment: TheMoment) -> Response:
    """Give stage and tier with since when and why, and where time alone will move it."""
    return await lifecycles.one(id, moment)
