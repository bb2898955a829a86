"""The timeline: one row a fact that is worth telling, and the names that it is told with."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.campaign.events import CampaignDrafted
from domain.order.events import OrderPlaced, OrderRevised
from domain.shared.events import Event, Fact
from domain.shared.personal import Personal
from domain.ticket.events import TicketOpened
from projections.projection import View
from projections.rows import Row, Rows, Table
from projections.timeline.telling import KEPT, kept, worth_telling


class Entry(Row, frozen=True, kw_only=True):
    customer: UUID
    occurred_at: datetime
    position: int
    kind: str
    stream: UUID
    campaign: UUID | None = None
    actor_kind: str
    actor_id: str
    detail: dict[str, Any] = msgspec.field(default_factory=dict)
    private: Personal[dict[str, Any] | None] = None


class Number(Row, frozen=True, kw_only=True):
    customer: UUID
    stream: UUID
    number: str


class Campaign(Row, frozen=True, kw_only=True):
    campaign: UUID
    name: str
    simulated: bool


ENTRY: Final = Table("timeline", Entry, ("customer", "occurred_at", "position"), once=True)
NUMBER: Final = Table("timeline_number", Number, ("customer", "stream"))
CAMPAIGN: Final = Table("timeline_campaign", Campaign, ("campaign",))

timeline: Final = View(
    "timeline", version=2, tables=(ENTRY, NUMBER, CAMPAIGN), package="projections.timeline"
)


@timeline.on(*KEPT)
def _(rows: Rows, fact: Fact, event: Event) -> None:
    if worth_telling(event):
        _tell(rows, fact, event)


@timeline.on(OrderPlaced, OrderRevised, TicketOpened)
def _(rows: Rows, fact: Fact, event: Event) -> None:
    assert isinstance(event, OrderPlaced | OrderRevised | TicketOpened)
    _tell(rows, fact, event)
    rows.put(NUMBER, Number(customer=rows.subject, stream=fact.stream, number=event.number))


@timeline.on_nobodys(CampaignDrafted)
def _(rows: Rows, _fact: Fact, event: CampaignDrafted) -> None:
    row = Campaign(campaign=rows.subject, name=event.name, simulated=event.simulated)
    rows.put(CAMPAIGN, row)


@timeline.combines
def _(rows: Rows, visitor: Rows) -> None:
    for entry in visitor.all(ENTRY).values():
        rows.put(ENTRY, replace(entry, customer=rows.subject))
    for number in visitor.all(NUMBER).values():
        rows.put(NUMBER, replace(number, customer=rows.subject))


def _tell(rows: Rows, fact: Fact, event: Event) -> None:
    detail, private = kept(event)
    entry = Entry(
        customer=rows.subject,
        occurred_at=fact.occurred_at,
        position=fact.position,
        kind=fact.type,
        stream=fact.stream,
        campaign=getattr(event, "campaign", None),
        actor_kind=fact.actor_kind,
        actor_id=fact.actor_id,
        detail=detail,
        private=private,
    )
    rows.put(ENTRY, entry)
