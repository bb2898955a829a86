"""API keys from the command line."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.table import Table

from consumers.place import log_url
from consumers.screen import screen
from domain.shared.refusals import Refused
from infra.keys import Keys
from infra.migrations import migrate
from infra.postgres import WRITER, pool
from infra.settings import Settings


@contextmanager
def _keys(settings: Settings) -> Iterator[Keys]:
    url = log_url(settings)
    migrate(url)
    with pool(url, WRITER, size=1) as opened:
        try:
            yield Keys(opened)
        except Refused as refusal:
            typer.echo(str(refusal), err=True)
            raise typer.Exit(2) from refusal


def add(  # noqa: PLR0913  # what a key says of its facts
    settings: Settings,
    name: str,
    scopes: list[str],
    *,
    roles: list[str],
    shop: str,
    source: str,
    system: bool,
    currency: str,
) -> None:
    """Make a key and print it, alone on the last line."""
    with _keys(settings) as keys:
        key, secret = keys.add(
            name, scopes, roles=roles, shop=shop, source=source, system=system, currency=currency
        )
    may = ", ".join((*key.roles, *key.scopes))
    typer.echo(f"{key.name} ({may}) for {key.shop}/{key.source}. It is shown only now:", err=True)
    typer.echo(secret)


def show(settings: Settings) -> None:
    """Print all keys as a table."""
    table = Table(
        "name",
        "begins with",
        "roles",
        "scopes",
        "shop/source",
        "made",
        "last used",
        "state",
        box=None,
    )
    for column in table.columns:
        column.overflow = "fold"
    with _keys(settings) as keys:
        for key in keys.all():
            table.add_row(
                key.name,
                key.prefix,
                " ".join(key.roles),
                " ".join(key.scopes),
                f"{key.shop}/{key.source}",
                f"{key.created_at:%Y-%m-%d}",
                f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never",
                f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "living",
            )
    screen().print(table)


def revoke(settings: Settings, which: str) -> None:
    """Revoke a key and say so."""
    with _keys(settings) as keys:
        key = keys.revoke(which)
    typer.echo(f"{key.name} ({key.prefix}…) is revoked.")
