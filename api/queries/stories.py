"""A customer's story in words, and why a field is what it is."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from starlette.concurrency import run_in_threadpool

from api.facts import told
from api.parameters import KNOWN_ALONE, CustomerId, Language
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
    position_of,
)
from api.responses import Json
from projections.lifecycle import why as lifecycle_why
from projections.lifecycle.answers import standing_of
from projections.lifecycle.projection import lifecycle
from projections.paging import Page
from projections.profile import why as profile_why
from projections.rows import Rows
from projections.timeline import queries
from projections.timeline.projection import CAMPAIGN, ENTRY, Campaign, timeline
from projections.timeline.queries import Asked, Told
from projections.why import Why

router = APIRouter(
    prefix="/api/customers", tags=["customers"], responses=ASKED, dependencies=[KNOWN_ALONE]
)

EXAMPLE: Final = {
    "position": 1204,
    "occurred_at": "2026-11-20T10:15:00Z",
    "kind": "order.paid",
    "text": "Order 1001 was paid: 42.50 USD.",
    "stream": "0d9c3f0a-2b7e-8c44-8a10-5d6e7f809101",
    "number": "1001",
    "actor_kind": "key",
    "actor_id": "6f2c0b9e-7d0e-4d52-9d5a-0c8f6d2b7a11",
    "detail": {"amount": "42.50", "currency": "USD"},
}
WHY: Final = {
    "field": "tags.vip",
    "rule": "for each name the last said holds",
    "types": ["customer.tag-added", "customer.tag-removed"],
    "deciding": [17],
    "facts": [{"position": 17, "type": "customer.tag-added", "data": {"tag": "vip"}}],
}


class Noun(StrEnum):
    """What an entry is about."""

    CUSTOMER = "customer"
    ORDER = "order"
    TICKET = "ticket"
    CAMPAIGN = "campaign"
    MESSAGE = "message"
    COUPON = "coupon"
    ACTIVITY = "activity"


async def asked(
    lang: Language = Language.ENGLISH,
    about: Annotated[list[Noun] | None, Query(description="Only this; may be repeated.")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=queries.LARGEST_PAGE)] = 50,
) -> Asked:
    return Asked(lang=lang, nouns=[str(n) for n in about or ()], cursor=cursor, limit=limit)


class Stories:
    """Customers' stories as one request may read them."""

    def __init__(self, views: Views) -> None:
        self._views = views

    async def of(self, customer: UUID, asked: Asked, moment: Moment) -> Response:
        """Answer a page of a story, newest first, now or as of a moment."""
        if moment.is_now:
            return await self._views.answer("timeline", lambda c: self._living(c, customer, asked))

        def tell(rows: Rows, _at: datetime) -> dict[str, Any]:
            reveal = self._views.opens(rows.subject)
            page = queries.page_of(rows, asked, self._names(rows, moment), reveal=reveal)
            return self._page(page, rows.subject)

        return await self._views.as_of(timeline, customer, moment, tell)

    def _living(self, connection: Connection, customer: UUID, asked: Asked) -> dict[str, Any]:
        whole = self._views.sources.reader.customer_of(customer)
        sealer = self._views.look.at(connection, whole)
        return self._page(queries.page(connection, whole, asked, sealer=sealer), whole)

    def _page(self, page: Page[Told], customer: UUID) -> dict[str, Any]:
        if any(isinstance(told.private, dict) for told in page.items):
            self._views.look.seen.add(customer)
        return {"timeline": page.items, "cursor": page.cursor}

    def _names(self, rows: Rows, moment: Moment) -> list[Campaign]:
        ids = {entry.campaign for entry in rows.all(ENTRY).values() if entry.campaign}
        replays = (self._views.replayed(timeline, campaign, moment)[0] for campaign in ids)
        return [row for replay in replays for row in replay.all(CAMPAIGN).values()]


async def stories(views: TheViews) -> Stories:
    return Stories(views)


@router.get(
    "/{id}/timeline",
    summary="A customer's story in words",
    responses=answers({"timeline": [EXAMPLE], "cursor": None}),
)
async def story(
    id: CustomerId,
    stories: Annotated[Stories, Depends(stories)],
    asked: Annotated[Asked, Depends(asked)],
    moment: TheMoment,
) -> Response:
    """Tell what happened, newest first: orders, tickets, messages, behaviour, who did what."""
    return await stories.of(id, asked, moment)


@router.get(
    "/{id}/why/{field}",
    summary="Why is this field what it is?",
    responses={**answers(WHY), 404: {"description": "There is no such field."}},
)
async def because(
    id: CustomerId,
    field: Annotated[
        str, Path(max_length=400, examples=["net", "stage", "traits.plan", "tags.vip"])
    ],
    views: TheViews,
    moment: TheMoment,
) -> Response:
    """Give the facts that made a value, by when they happened, and which of them decide."""
    return await run_in_threadpool(_because, views, id, field, moment)


def _because(views: Views, customer: UUID, field: str, moment: Moment) -> Response:
    headers = views.replay_headers(moment)  # first: the answer is at least so fresh
    reason = _reason(views, customer, field, moment)
    names = views.sources.keys.names()
    opened = views.opens(views.sources.reader.customer_of(customer))
    if opened:
        views.look.saw_facts(reason.facts)
        views.look.note()
    return Json(
        {
            "field": reason.field,
            "rule": reason.rule,
            "types": reason.types,
            "deciding": reason.deciding,
            "facts": [told(fact, names, opened=opened) for fact in reason.facts],
        },
        headers=headers,
    )


def _reason(views: Views, customer: UUID, field: str, moment: Moment) -> Why:
    """Ask the view that the field is of. Raises NotFound."""
    reader = views.sources.reader
    known_at = position_of(reader, moment.known_at)
    whole = reader.customer_of(customer, at=known_at)
    if field not in {lifecycle_why.STAGE, lifecycle_why.TIER}:
        return profile_why.why(reader, whole, field, upto=known_at, happened_by=moment.at)
    rows, at = views.replayed(lifecycle, whole, Moment(at=moment.at, known_at=known_at))
    standing = found("customer", customer, standing_of(rows, at))
    place = standing.stage if field == lifecycle_why.STAGE else standing.tier
    return lifecycle_why.why(reader, whole, field, place, at=at, upto=known_at)
