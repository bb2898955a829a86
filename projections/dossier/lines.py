"""Facts as they are told to the person whom they are about: in words, with where each came from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from domain.campaign.events import CampaignDrafted
from domain.order.events import OrderPlaced, OrderRevised
from domain.shared.events import FACTS, Event, Fact, Unreadable
from domain.ticket.events import TicketOpened
from projections.by import By, by
from projections.dossier.words import WORDINGS
from projections.timeline.queries import about
from projections.timeline.telling import KEPT, kept
from projections.words import tell


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where something came from: the fact that says it, when, through which door, and by whom."""

    position: int
    occurred_at: datetime
    recorded_at: datetime
    shop: str
    source: str
    by: By


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One fact: in words, whole, and where it came from. What was erased is `erased` in `data`."""

    type: str
    text: str
    stream: UUID
    number: str | None
    campaign: str | None
    data: Any
    origin: Source


def _section(kind: str) -> str:
    if kind.startswith("customer.consent-"):
        return "consents"
    if kind == "customer.note-added":
        return "notes"
    noun = kind.partition(".")[0]
    return {"coupon": "orders", "message": "campaigns"}.get(noun, f"{noun}s")


_NAMES: Final = {"customers": "customer", "activitys": "activity"}

SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    section: tuple(n for n in sorted(FACTS) if _NAMES.get(s := _section(n), s) == section)
    for section in ("customer", "consents", "orders", "tickets", "notes", "campaigns", "activity")
}
"""The parts of a story, and the facts that each is made of."""


class Teller:
    """Tells facts in one language; learns by `heed` what orders and campaigns are called."""

    def __init__(self, language: str, names: Mapping[str, str]) -> None:
        """`names`: what actors are called, by their ids."""
        self.language = language
        self._names = names
        self._numbers: dict[UUID, str] = {}
        self._campaigns: dict[UUID, str] = {}

    def heed(self, fact: Fact) -> None:
        event = fact.event
        if isinstance(event, OrderPlaced | OrderRevised | TicketOpened):
            self._numbers[fact.stream] = event.number
        elif isinstance(event, CampaignDrafted):
            self._campaigns[fact.stream] = event.name

    def campaign(self, id: UUID | None) -> str | None:
        return self._campaigns.get(id) if id is not None else None

    def source(self, fact: Fact) -> Source:
        return Source(
            position=fact.position,
            occurred_at=fact.occurred_at,
            recorded_at=fact.recorded_at,
            shop=fact.shop,
            source=fact.source,
            by=by(fact, self._names),
        )

    def tell(self, fact: Fact) -> Line:
        event = fact.event
        number = self._numbers.get(fact.stream)
        campaign = self.campaign(getattr(event, "campaign", None))
        return Line(
            type=fact.type,
            text=self._text(fact.type, event, number, campaign),
            stream=fact.stream,
            number=number,
            campaign=campaign,
            data=_data(event),
            origin=self.source(fact),
        )

    def _text(self, kind: str, event: Event, number: str | None, campaign: str | None) -> str:
        if type(event) in KEPT:
            return tell(kind, about(kind, *kept(event), number, campaign), self.language)
        return WORDINGS[self.language].sentences.get(kind) or tell(kind, {}, self.language)


def _data(event: Event) -> Any:
    if isinstance(event, Unreadable):
        return {"unreadable": event.why}
    return msgspec.json.decode(_encode(event))


_encode: Final = msgspec.json.Encoder(decimal_format="string").encode
