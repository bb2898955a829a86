"""The facts themselves, for auditors: searched, exported, and the history of one thing in order."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import chain
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response

from api.facts import SEALED, Told, told
from api.jobs import JOB, TheJobs, accepted
from api.looking import Look, TheLook
from api.parameters import (
    FARTHEST,
    KNOWN_ALONE,
    ActorId,
    CampaignId,
    CustomerId,
    Instant,
    OrderId,
    TicketId,
)
from api.responses import NDJSON, Json, ndjson
from api.security import TheKey
from api.services import Services, TheServices
from domain.shared.events import Fact
from domain.shared.refusals import NotFound
from infra.access_log import Asked, Kept
from infra.event_store.search import Found, Wanted

router = APIRouter(prefix="/api/audit", tags=["audit"], dependencies=[KNOWN_ALONE])

EXAMPLE: Final = {
    "position": 1204,
    "type": "order.paid",
    "occurred_at": "2026-11-20T10:15:00Z",
    "recorded_at": "2026-11-20T10:15:01.204Z",
    "by": {"kind": "key", "id": "6f2c0b9e-7d0e-4d52-9d5a-0c8f6d2b7a11", "name": "erp"},
    "shop": "shop",
    "source": "erp",
    "customer": "8a4f5f6e-1c1b-8a77-9b53-1f0c7d1a2b3c",
    "origin": "8a4f5f6e-1c1b-8a77-9b53-1f0c7d1a2b3c",
    "stream": "0d9c3f0a-2b7e-8c44-8a10-5d6e7f809101",
    "version": 2,
    "correlation": "0b1c2d3e4f5061728394a5b6c7d8e9f0",
    "causation": None,
    "data": {"amount": "42.50", "currency": "USD"},
}
PAGE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/json": {"example": {"facts": [EXAMPLE], "next": 1204}}}},
}
ORIGINAL: Final = {
    "position": 1204,
    "recorded_at": "2026-11-20T10:15:01.204Z",
    "shop": "shop",
    "source": "site",
    "customer": "8a4f5f6e-1c1b-8a77-9b53-1f0c7d1a2b3c",
    "message": {
        "batch": [{"userId": "42", "event": "Products Searched", "properties": {"query": "tea"}}],
        "type": "track",
    },
}
HISTORY: Final[dict[int | str, dict[str, Any]]] = {
    **PAGE,
    404: {"description": "Nothing is known of it."},
}


class ViewName(StrEnum):
    """The views."""

    PROFILE = "profile"
    TIMELINE = "timeline"
    LIFECYCLE = "lifecycle"
    CONVERSION = "conversion"


class Archive:
    """The log as one request may see it."""

    def __init__(self, services: Services, look: Look) -> None:
        self._services = services
        self._look = look
        self._opened = look.whole is not None

    def page(self, wanted: Wanted, limit: int) -> Response:
        return self._page(self._services.search.page(wanted, limit, opened=self._opened))

    def every(self, wanted: Wanted) -> Response:
        search = self._services.search
        if self._opened:
            conditions = {k: v for k, v in msgspec.structs.asdict(wanted).items() if v is not None}
            self._look.note(whom=None, conditions=conditions, count=search.count(wanted))
        return ndjson(self._told(search.every(wanted, opened=self._opened)))

    def original(self, position: int) -> Response:
        found = self._services.originals.find(position)
        if found.message is not None and found.customer is not None:
            self._look.seen.add(found.customer)
            self._look.note(conditions={"position": position})
        return Json(found)

    def history(self, what: str, id: UUID, wanted: Wanted, limit: int) -> Response:
        """Answer a page of one thing's facts. Raises NotFound where there never was one."""
        found = self._services.search.page(wanted, limit, opened=self._opened)
        if not found.facts and not wanted.after:
            raise NotFound(what=what, id=id)
        return self._page(found)

    def origins(self, customer: UUID) -> tuple[UUID, ...]:
        """Return the identities that are one customer's now, whichever of them is given."""
        reader = self._services.reader
        whole = reader.customer_of(customer)
        return tuple(reader.origins_of(whole, at=reader.head().position))

    def reads(self, asked: Asked, limit: int) -> list[Kept]:
        """Return reads; a reason, which may tell of a person, is "sealed" for who sees masks."""
        found = self._services.access.page(asked, limit)
        if not self._opened:
            return [_sealed(read) for read in found]
        told = (read.access.whom or () for read in found if read.access.reason is not None)
        self._look.seen.update(chain.from_iterable(told))
        self._look.note()
        return found

    def names(self) -> Mapping[str, str]:
        return self._services.keys.names()

    def assignment(self, campaign: UUID, recipient: UUID) -> UUID:
        return self._services.ids.assignment(campaign, recipient)

    def _page(self, found: Found) -> Response:
        if self._opened:
            self._look.saw_facts(found.facts)
            self._look.note()
        return Json({"facts": list(self._told(found.facts)), "next": found.next})

    def _told(self, facts: Iterable[Fact]) -> Iterator[Told]:
        names = self._services.keys.names()
        return (told(fact, names, opened=self._opened) for fact in facts)


def _sealed(read: Kept) -> Kept:
    if read.access.reason is None:
        return read
    return read._replace(access=msgspec.structs.replace(read.access, reason=SEALED))


async def archive(services: TheServices, look: TheLook) -> Archive:
    return Archive(services, look)


TheArchive = Annotated[Archive, Depends(archive)]
After = Annotated[
    int, Query(ge=0, le=FARTHEST, description="Facts above this position: `next` of a page.")
]
Limit = Annotated[int, Query(ge=1, le=1000, description="Facts on a page.")]


def wanted(
    archive: TheArchive,
    after: After = 0,
    upto: Annotated[
        int | None, Query(ge=0, le=FARTHEST, description="Up to this position.")
    ] = None,
    since: Annotated[Instant | None, Query(description="Recorded at or after.")] = None,
    until: Annotated[Instant | None, Query(description="Recorded before.")] = None,
    type: Annotated[
        list[str] | None, Query(description="A fact's stored name, `order.paid`; repeatable.")
    ] = None,
    stream: Annotated[
        list[UUID] | None, Query(description="An order, ticket, campaign or customer; repeatable.")
    ] = None,
    customer: Annotated[
        UUID | None, Query(description="Whose facts, behaviour and recognised visits included.")
    ] = None,
    actor: Annotated[
        ActorId | None,
        Query(description="Id of the key that said so; of a program: `system:` and its name."),
    ] = None,
    correlation: Annotated[str | None, Query(description="`X-Request-ID` of a request.")] = None,
    causation: Annotated[UUID | None, Query(description="What it was recorded because of.")] = None,
) -> Wanted:
    """Say which facts are asked for: all that is given must hold."""
    return Wanted(
        after=after,
        upto=upto,
        since=since,
        until=until,
        types=tuple(type) if type else None,
        streams=tuple(stream) if stream else None,
        origins=archive.origins(customer) if customer else None,
        actor=actor,
        correlation=correlation,
        causation=causation,
    )


WantedFacts = Annotated[Wanted, Depends(wanted)]


@router.get("/facts", summary="Search the log", responses=PAGE)
def facts(archive: TheArchive, wanted: WantedFacts, limit: Limit = 100) -> Response:
    """Find facts in the order of the log. A page may be short when that is slow: go on at next."""
    return archive.page(wanted, limit)


@router.get(
    "/facts/export",
    summary="Export the log, or a part of it, as NDJSON",
    response_class=Response,
    responses={200: {"content": {NDJSON: {"example": EXAMPLE}}}},
)
def export(archive: TheArchive, wanted: WantedFacts) -> Response:
    """Give one fact a line, in the order of the log, as a stream of any length."""
    return archive.every(wanted)


@router.get(
    "/facts/{position}/original",
    summary="A shop's message as it was sent",
    responses={
        200: {"content": {"application/json": {"example": ORIGINAL}}},
        404: {"description": "No message of a shop begins at this position, or its month is past."},
    },
)
def original(
    position: Annotated[int, Path(ge=1, le=FARTHEST, description="Of the message's first fact.")],
    archive: TheArchive,
) -> Response:
    """Give the whole message that an `activity.*` fact, and the facts after it, were made of.

    It is a batch of one, as it came in; null once the person or the month was forgotten.
    """
    return archive.original(position)


@router.get("/customers/{id}", summary="All that happened to a customer", responses=HISTORY)
def customer(id: CustomerId, archive: TheArchive, after: After = 0, limit: Limit = 100) -> Response:
    """Give the facts of all its identities: orders, tickets, messages and behaviour included."""
    return archive.history("customer", id, Wanted(origins=archive.origins(id), after=after), limit)


@router.get("/orders/{id}", summary="All that happened to an order", responses=HISTORY)
def order(id: OrderId, archive: TheArchive, after: After = 0, limit: Limit = 100) -> Response:
    """Give reports and commands alike, in the order they were recorded."""
    return archive.history("order", id, Wanted(streams=(id,), after=after), limit)


@router.get("/tickets/{id}", summary="All that happened to a ticket", responses=HISTORY)
def ticket(id: TicketId, archive: TheArchive, after: After = 0, limit: Limit = 100) -> Response:
    """Give its facts from opening to closing, with who did what."""
    return archive.history("ticket", id, Wanted(streams=(id,), after=after), limit)


@router.get("/campaigns/{id}", summary="All that happened to a campaign", responses=HISTORY)
def campaign(id: CampaignId, archive: TheArchive, after: After = 0, limit: Limit = 100) -> Response:
    """Give the campaign's own facts; each of its recipients has a history of its own."""
    return archive.history("campaign", id, Wanted(streams=(id,), after=after), limit)


@router.get(
    "/campaigns/{id}/recipients/{recipient}",
    summary="All that happened between a campaign and one recipient",
    responses=HISTORY,
)
def recipient(
    id: CampaignId, recipient: UUID, archive: TheArchive, after: After = 0, limit: Limit = 100
) -> Response:
    """Give the draw into an arm, and every message with its evidence."""
    stream = archive.assignment(id, recipient)
    return archive.history("recipient", recipient, Wanted(streams=(stream,), after=after), limit)


@router.post(
    "/verify/{view}",
    status_code=202,
    summary="Does a view equal the log?",
    responses=JOB,
)
def verify(view: ViewName, jobs: TheJobs, key: TheKey) -> Response:
    """Replay the log up to the view's checkpoints and compare: the job's answer is the differences.

    None means that every row of the view is what the facts make of it.
    """
    return accepted(jobs.ask("verify", {"view": view}, str(key.id)))
