"""Replays one customer from the command line: what happened, and what it comes to."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec
import typer

from consumers import retold
from consumers.opened import Opened, opened
from consumers.screen import screen
from domain.shared.events import Fact
from infra.settings import Settings
from projections.catalogue import VIEWS
from projections.rows import Rows
from projections.runtime.as_of import AsOf
from projections.timeline.projection import CAMPAIGN, ENTRY, Campaign
from projections.words import LANGUAGES


def replay(  # noqa: PLR0913  # what the command line asks
    settings: Settings,
    customer: str,
    *,
    at: str | None,
    known_at: str | None,
    shop: str,
    lang: str,
    as_json: bool,
) -> int:
    """Print a customer's story as of an instant, as known at a position or instant."""
    if lang not in LANGUAGES:
        typer.echo(f"There is no language {lang}: {', '.join(LANGUAGES)}.", err=True)
        return 2
    with opened(settings) as here:
        try:
            instant = here.reader.head().clock if at is None else _instant(at)
            position = _position(here, known_at)
        except ValueError as error:
            typer.echo(f"{error}; give an instant as 2026-03-01T09:00:00Z.", err=True)
            return 2
        identity = here.identity(customer, shop)
        then = _Then(here, here.reader.customer_of(identity, at=position), instant, position)
        if not then.facts:
            typer.echo(f"Nothing is known of {customer} by then.", err=True)
            return 1
        here.note("huike replay", then.customer, shop)
        if as_json:
            print(then.as_json())  # noqa: T201  # the answer itself
            return 0
        about = retold.About(at=instant, known_at=position, lang=lang)
        retold.show(screen(), then.customer, then.rows, then.campaigns(), about)
    return 0


class _Then:
    """A customer as of an instant, as known at a position."""

    def __init__(self, here: Opened, customer: UUID, at: datetime, known_at: int) -> None:
        self.customer = customer
        self._here = here
        self._at = at
        self._known_at = known_at
        self.rows = {name: self._replayed(name, customer) for name in VIEWS}

    @property
    def facts(self) -> Sequence[Fact]:
        reader = self._here.reader
        origins = reader.origins_of(self.customer, at=self._known_at)
        facts = reader.of_origins(origins, upto=self._known_at)
        return [fact for fact in facts if fact.occurred_at <= self._at]

    def campaigns(self) -> list[Campaign]:
        """Return the campaigns that the story names."""
        entries = self.rows["timeline"].all(ENTRY).values()
        named = {entry.campaign for entry in entries if entry.campaign is not None}
        replays = (self._replayed("timeline", campaign) for campaign in named)
        return [row for rows in replays for row in rows.all(CAMPAIGN).values()]

    def as_json(self) -> str:
        """Return everything: each fact, and each row of each view with all of its columns."""
        views = {
            name: {
                table.name: list(self.rows[name].all(table).values())
                for table in view.tables
                if self.rows[name].all(table)
            }
            for name, view in VIEWS.items()
        }
        whole = {
            "customer": self.customer,
            "at": self._at,
            "known_at": self._known_at,
            "facts": self.facts,
            "views": views,
        }
        return msgspec.json.format(_encode(whole), indent=2).decode()

    def _replayed(self, view: str, subject: UUID) -> Rows:
        asking = AsOf(VIEWS[view], self._here.reader, self._here.sealer.blind)
        return asking.one(subject, at=self._at, known_at=self._known_at)


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _position(here: Opened, known_at: str | None) -> int:
    if known_at is None:
        return here.reader.head().position
    if known_at.isdecimal():
        return int(known_at)
    return here.reader.position_at(_instant(known_at))


_encode: Final = msgspec.json.Encoder(decimal_format="string").encode
