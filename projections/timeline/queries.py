"""The customer's story, newest first, in words."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row

from domain.shared.personal import Erased, Sealer
from projections.paging import Page, cursor_of, place_of
from projections.rows import Rows
from projections.runtime.columns import sealed_column
from projections.timeline.projection import CAMPAIGN, ENTRY, NUMBER, Campaign, Entry
from projections.timeline.telling import Detail, Private
from projections.words import tell

Connection = psycopg.Connection[Any]

LARGEST_PAGE: Final = 500

NOUNS: Final = ("customer", "order", "ticket", "campaign", "message", "coupon", "activity")
"""What entries are about: the first part of their kind."""


class Place(NamedTuple):
    """Where a page ended."""

    at: datetime
    position: int


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a story is wanted, in which language; no nouns: all of them."""

    lang: str = "en"
    nouns: Sequence[str] = ()
    cursor: str | None = None
    limit: int = 50


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened. `private` is given to who may read it; ERASED once it cannot be."""

    position: int
    occurred_at: datetime
    kind: str
    text: str
    stream: UUID
    number: str | None = None
    campaign: UUID | None = None
    campaign_name: str | None = None
    simulated: bool = False
    actor_kind: str
    actor_id: str
    detail: dict[str, Any]
    private: dict[str, Any] | Erased | None = None


def page(
    connection: Connection, customer: UUID, asked: Asked, *, sealer: Sealer | None = None
) -> Page[Told]:
    """Return a page of a customer's story, newest first.

    With a `sealer` what is personal is opened. Raises Malformed for a cursor that is none.
    """
    limit = max(1, min(asked.limit, LARGEST_PAGE))
    values: dict[str, Any] = {"customer": customer, "limit": limit + 1}
    conditions = ["t.customer = %(customer)s"]
    if asked.nouns:
        values["nouns"] = list(asked.nouns)
        conditions.append("split_part(t.kind, '.', 1) = any(%(nouns)s)")
    if asked.cursor is not None:
        values["at"], values["position"] = place_of(asked.cursor, Place)
        conditions.append("(t.occurred_at, t.position) < (%(at)s, %(position)s)")
    found = connection.execute(
        _PAGE.format(conditions=" and ".join(conditions)).encode(), values, binary=True
    ).fetchall()
    opened = sealed_column(sealer, "timeline", ENTRY, "private") if sealer else None
    told = []
    for *columns, number, name, simulated in found[:limit]:
        stored = dict(zip(_COLUMNS, columns, strict=True))
        stored["detail"] = msgspec.json.decode(stored["detail"])
        sealed = stored.pop("private")
        private = opened.decode(sealed, customer) if opened and sealed is not None else None
        entry = Entry(customer=customer, private=private, **stored)
        told.append(_told(entry, asked.lang, number, name, simulated=bool(simulated)))
    return Page(told, _next(told) if len(found) > limit else None)


def page_of(
    rows: Rows,
    asked: Asked,
    campaigns: Iterable[Campaign] = (),
    *,
    reveal: bool = False,
) -> Page[Told]:
    """Return a page of a story that was folded in memory, as of an instant."""
    limit = max(1, min(asked.limit, LARGEST_PAGE))
    numbers = {row.stream: row.number for row in rows.all(NUMBER).values()}
    known: Mapping[UUID, Campaign] = {row.campaign: row for row in campaigns}
    before = place_of(asked.cursor, Place) if asked.cursor is not None else None
    entries = [
        entry
        for entry in rows.all(ENTRY).values()
        if (before is None or (entry.occurred_at, entry.position) < before)
        and (not asked.nouns or entry.kind.partition(".")[0] in asked.nouns)
    ]
    entries.sort(key=lambda entry: (entry.occurred_at, entry.position), reverse=True)
    told = []
    for entry in entries[:limit]:
        campaign = known.get(entry.campaign) if entry.campaign else None
        shown = entry if reveal else msgspec.structs.replace(entry, private=None)
        name, simulated = (campaign.name, campaign.simulated) if campaign else (None, False)
        told.append(_told(shown, asked.lang, numbers.get(entry.stream), name, simulated=simulated))
    return Page(told, _next(told) if len(entries) > limit else None)


def campaigns(connection: Connection) -> list[Campaign]:
    """Return the names by which campaigns are told, to tell a story as of an instant with."""
    names = ", ".join(CAMPAIGN.columns)
    with connection.cursor(row_factory=class_row(Campaign)) as cursor:
        return cursor.execute(f"select {names} from huike.timeline_campaign".encode()).fetchall()  # noqa: S608  # this file's own names


_COLUMNS: Final = tuple(c for c in ENTRY.columns if c != "customer")

# A limit that the planner does not know: else it may read a whole story and sort it for each page.
_PAGE: Final = f"""
select {", ".join(f"t.{c}" for c in _COLUMNS)}, n.number, c.name, c.simulated
from huike.timeline t
left join huike.timeline_number n on n.customer = t.customer and n.stream = t.stream
left join huike.timeline_campaign c on c.campaign = t.campaign
where {{conditions}}
order by t.occurred_at desc, t.position desc
limit (select %(limit)s::bigint)
"""  # noqa: S608  # the columns are this file's own


def _told(
    entry: Entry, lang: str, number: str | None, campaign: str | None, *, simulated: bool
) -> Told:
    return Told(
        position=entry.position,
        occurred_at=entry.occurred_at,
        kind=entry.kind,
        text=tell(
            entry.kind, about(entry.kind, entry.detail, entry.private, number, campaign), lang
        ),
        stream=entry.stream,
        number=number,
        campaign=entry.campaign,
        campaign_name=campaign,
        simulated=simulated,
        actor_kind=entry.actor_kind,
        actor_id=entry.actor_id,
        detail=entry.detail,
        private=entry.private,
    )


def about(
    kind: str, detail: Detail, private: Private, number: str | None, campaign: str | None
) -> Detail:
    """Return everything that a sentence may mention, by the names that sentences use."""
    private = private if isinstance(private, dict) else {}
    known: Detail = {}
    if kind != "customer.traits-asserted":  # told by the names of the fields
        known.update(detail.get("properties", {}))
        known["product"] = known.get("name") or known.get("product_id") or known.get("sku")
        known.update(private)
    known.update(detail, campaign=campaign)
    if kind.startswith("activity."):
        known["page"] = detail.get("name") or private.get("name") or private.get("title")
    if number is not None:
        known["number"] = number
    return known


def _next(told: Sequence[Told]) -> str:
    return cursor_of(told[-1].occurred_at, told[-1].position)
