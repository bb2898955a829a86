"""A customer retold for people: the story in words, and what the views make of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from projections.conversion.recipients import recipients_in
from projections.lifecycle.answers import standing_of
from projections.profile.answers import shown
from projections.profile.tables import ORDER, PROFILE
from projections.rows import Rows
from projections.timeline.projection import Campaign
from projections.timeline.queries import LARGEST_PAGE, Asked, Told, page_of
from projections.words import LANGUAGES, label, money, word

Line = tuple[str, str]

_PROFILE: Final = [
    "name",
    "email",
    "phone",
    "kind",
    "known",
    "tags",
    "consents",
    "traits",
    "first_seen",
    "last_seen",
    "orders",
    "purchases",
    "paid",
    "refunded",
    "net",
    "average",
    "favourite_category",
    "open_tickets",
    "messages",
    "notes",
]
_STEPS: Final = ("sent_at", "clicked_by_person_at", "redeemed_at", "converted_at")
_MONEY: Final = {"paid", "refunded", "net", "average"}


class About(msgspec.Struct, frozen=True, kw_only=True):
    """The moment that is asked about, and the language it is told in."""

    at: datetime
    known_at: int
    lang: str


def show(
    console: Console,
    customer: UUID,
    views: Mapping[str, Rows],
    campaigns: Sequence[Campaign],
    about: About,
) -> None:
    """Print a customer's rows, folded in memory, as people read them."""
    lang = about.lang
    asked = label("as known at", lang)
    console.print(f"{customer}, {_moment(about.at)} UTC, {asked} {about.known_at:,}")
    console.print()
    story = Table(box=None, pad_edge=False, title=label("story", lang), title_justify="left")
    for column in ("position", "occurred_at", "what"):
        story.add_column(label(column, lang), justify="right" if column == "position" else "left")
    for told in _story(views["timeline"], campaigns, lang):
        story.add_row(f"{told.position:,}", _moment(told.occurred_at), Text(told.text))
    console.print(story)
    names = {campaign.campaign: campaign.name for campaign in campaigns}
    for title, lines in (
        ("profile", _profile(views["profile"], lang)),
        ("lifecycle", _lifecycle(views["lifecycle"], about.at, lang)),
        ("campaigns", _campaigns(views["conversion"], names, about.at, lang)),
    ):
        table = Table(
            box=None,
            pad_edge=False,
            show_header=False,
            title=label(title, lang),
            title_justify="left",
        )
        for name, value in lines:
            table.add_row(name, Text(value))
        if table.row_count:
            console.print()
            console.print(table)


def _story(rows: Rows, campaigns: Sequence[Campaign], lang: str) -> list[Told]:
    """Return the whole story, the earliest first."""
    told: list[Told] = []
    cursor: str | None = None
    while True:
        asked = Asked(lang=lang, limit=LARGEST_PAGE, cursor=cursor)
        page = page_of(rows, asked, campaigns, reveal=True)
        told += page.items
        cursor = page.cursor
        if cursor is None:
            return told[::-1]


def _profile(rows: Rows, lang: str) -> Iterator[Line]:
    row = rows.get(PROFILE)
    if row is None:
        return
    customer = shown(row, reveal=True)
    for name in _PROFILE:
        value = getattr(customer, name)
        if value is None or value in ((), [], {}):
            continue
        if name in _MONEY:
            text = money(value, customer.currency) if customer.currency else ""
        elif name == "consents":
            text = _listed(lang, (_consent(each, lang) for each in value))
        else:
            text = _text(name, value, lang)
        if text:
            yield label(name, lang), text
    for order in rows.all(ORDER).values():
        if order.flags:
            name = f"{label('order', lang)} {order.number or order.order_id}"
            yield name, _listed(lang, (word("flag", flag, lang) for flag in order.flags))


def _lifecycle(rows: Rows, at: datetime, lang: str) -> Iterator[Line]:
    standing = standing_of(rows, at)
    if standing is None:
        return
    for name, place in (("stage", standing.stage), ("tier", standing.tier)):
        since = f"{label('since', lang)} {_moment(place.since)}"
        yield label(name, lang), _listed(lang, (word(name, place.place, lang), since))
    if standing.next is not None:
        then = word("stage", standing.next.stage, lang)
        yield label("next", lang), f"{_moment(standing.next.at)} {then}"
    for name in ("first_purchase_at", "last_purchase_at"):
        if (moment := getattr(standing, name)) is not None:
            yield label(name, lang), _moment(moment)


def _campaigns(rows: Rows, names: Mapping[UUID, str], at: datetime, lang: str) -> Iterator[Line]:
    for one in recipients_in(rows, at):
        parts = [word("arm", one.arm, lang)]
        parts += [
            f"{label(name, lang)} {_moment(moment)}"
            for name in _STEPS
            if (moment := getattr(one, name)) is not None
        ]
        if one.orders and one.currency is not None and one.net is not None:
            parts.append(money(one.net, one.currency))
        yield names.get(one.campaign, str(one.campaign)), _listed(lang, parts)


def _consent(consent: str, lang: str) -> str:
    channel, _, purpose = consent.partition(":")
    return f"{purpose} ({word('channel', channel, lang)})"


def _text(name: str, value: Any, lang: str) -> str:
    match value:
        case datetime():
            return _moment(value)
        case Decimal():
            return str(value)
        case Mapping():
            return _listed(
                lang, (f"{key}: {_text(key, each, lang)}" for key, each in value.items())
            )
        case list() | tuple():
            return _listed(lang, (_text(name, each, lang) for each in value))
        case _:
            return word(name, value, lang)


def _listed(lang: str, parts: Iterable[str]) -> str:
    return LANGUAGES[lang].comma.join(parts)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
