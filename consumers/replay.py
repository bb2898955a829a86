"""Replays one customer from the command line: the facts in order, and what they come to."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from consumers.opened import Opened, opened
from consumers.screen import screen
from domain.shared.events import Fact
from infra.settings import Settings
from projections.catalogue import VIEWS
from projections.runtime.as_of import AsOf


def replay(
    settings: Settings, customer: str, *, at: str | None, known_at: str | None, shop: str
) -> int:
    """Print a customer's facts and views as of an instant, as known at a position or instant."""
    console = screen()
    with opened(settings) as here:
        try:
            instant = here.reader.head().clock if at is None else _instant(at)
            position = _position(here, known_at)
        except ValueError as error:
            typer.echo(f"{error}; give an instant as 2026-03-01T09:00:00Z.", err=True)
            return 2
        identity = _identity(here, customer, shop)
        who = here.reader.customer_of(identity, at=position)
        origins = here.reader.origins_of(who, at=position)
        facts = [
            fact
            for fact in here.reader.of_origins(origins, upto=position)
            if fact.occurred_at <= instant
        ]
        if not facts:
            typer.echo(f"Nothing is known of {customer} by then.", err=True)
            return 1
        console.print(f"Customer {who}, at {instant:%Y-%m-%d %H:%M} UTC, as known at {position:,}")
        console.print(_story(facts))
        for name, view in VIEWS.items():
            rows = AsOf(view, here.reader, here.sealer.blind).one(
                who, at=instant, known_at=position
            )
            root = view.tables[0]
            if name == "timeline":
                continue
            for row in rows.all(root).values():
                console.print(_row(name, row))
    return 0


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _position(here: Opened, known_at: str | None) -> int:
    if known_at is None:
        return here.reader.head().position
    if known_at.isdecimal():
        return int(known_at)
    return here.reader.position_at(_instant(known_at))


def _identity(here: Opened, customer: str, shop: str) -> UUID:
    try:
        return UUID(customer)
    except ValueError:
        return here.ids.user(shop, customer)


def _story(facts: list[Fact]) -> Table:
    table = Table("position", "occurred", "what", "by", "because of", title="Facts")
    for fact in facts:
        table.add_row(
            f"{fact.position:,}",
            f"{fact.occurred_at:%Y-%m-%d %H:%M}",
            fact.type,
            f"{fact.actor_kind} {fact.actor_id[:8]}",
            fact.correlation[:20],
        )
    return table


def _row(name: str, row: msgspec.Struct) -> Table:
    table = Table("column", "value", title=name)
    for column, value in msgspec.structs.asdict(row).items():
        table.add_row(column, Text(_readable(value)))
    return table


def _readable(value: Any) -> str:
    """Return a column's value as people read it: nothing for none, structures as JSON."""
    match value:
        case None:
            return ""
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case bytes():
            return value.hex()
    text = _encode(value).decode()
    return text[1:-1] if text.startswith('"') else text


_encode: Final = msgspec.json.Encoder(decimal_format="string").encode
