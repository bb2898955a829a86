"""API keys from the command line."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Final

import msgspec
import typer
from rich.table import Column, Table

from consumers.issuing import Issuing, issuing
from consumers.place import log_url
from consumers.screen import screen
from domain.shared.refusals import Malformed, Refused
from infra import clock
from infra.keys import Key, all_keys
from infra.migrations import migrate
from infra.postgres import WRITER, connect
from infra.settings import Settings

_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes"}
_SPAN: Final = re.compile(r"(\d{1,4})([dhm])")


@contextmanager
def _issuing(settings: Settings) -> Iterator[Issuing]:
    with issuing(settings) as opened:
        try:
            yield opened
        except Refused as refusal:
            typer.echo(str(refusal), err=True)
            raise typer.Exit(2) from refusal


def _all(settings: Settings) -> list[Key]:
    url = log_url(settings)
    migrate(url)
    with closing(connect(url, WRITER)) as connection:
        return all_keys(connection)


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
    expires: str | None,
    per_minute: int | None,
) -> None:
    """Make a key and print it, alone on the last line."""
    with _issuing(settings) as keys:
        key, secret = keys.add(
            name,
            scopes,
            roles=roles,
            shop=shop,
            source=source,
            system=system,
            currency=currency,
            expires=_span("expires", expires) if expires else None,
            per_minute=per_minute,
        )
    same = [k for k in _all(settings) if k.name == key.name and k.revoked_at is None]
    if len(same) > 1:
        typer.echo(
            f"{len(same)} living keys are named {key.name} now: the roles of each see whom "
            f"{key.name} serves, and each is revoked by its id, or what it begins with.",
            err=True,
        )
    may = ", ".join((*key.roles, *key.scopes))
    typer.echo(f"{key.name} ({may}) for {key.shop}/{key.source}. It is shown only now:", err=True)
    typer.echo(secret)


def show(settings: Settings, *, as_json: bool) -> None:
    """Print all keys, as a table or as JSON."""
    known = _all(settings)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(known), indent=2).decode())  # noqa: T201  # the answer itself
        return
    table = Table(
        "name",
        Column("id", no_wrap=True),
        "begins with",
        "may",
        "shop/source",
        "made",
        "last used",
        "limits",
        "state",
        box=None,
    )
    for column in table.columns:
        column.overflow = "fold"
    for key in known:
        table.add_row(
            key.name,
            str(key.id),
            key.prefix,
            " ".join((*key.roles, *key.scopes)),
            f"{key.shop}/{key.source}",
            f"{key.created_at:%Y-%m-%d}",
            f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never",
            f"{key.per_minute} a minute" if key.per_minute else "",
            _state(key),
        )
    screen().print(table)


def _state(key: Key) -> str:
    now = clock.now()
    if key.revoked_at:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if key.expires_at and key.expires_at <= now:
        return f"ended {key.expires_at:%Y-%m-%d}"
    state = f"living until {key.expires_at:%Y-%m-%d}" if key.expires_at else "living"
    if key.former_until and key.former_until > now:
        old = f", {key.former_prefix}…," if key.former_prefix else ""
        state += f"; its old secret{old} until {key.former_until:%Y-%m-%d %H:%M}"
    return state


def rotate(settings: Settings, which: str, *, overlap: str, expires: str | None) -> None:
    """Give a key a new secret and print it, alone on the last line."""
    with _issuing(settings) as keys:
        ends = _span("expires", expires) if expires else None
        key, secret = keys.rotate(which, _span("overlap", overlap), expires=ends)
    until = f"{key.former_until:%Y-%m-%d %H:%M}"
    typer.echo(f"{key.name}: the old secret opens until {until} UTC. The new one:", err=True)
    typer.echo(secret)


def _span(field: str, words: str) -> timedelta:
    """Read 90d, 24h or 30m. Raises Malformed."""
    found = _SPAN.fullmatch(words.strip())
    if found is None:
        raise Malformed(field=field, why=f"{words} is no span; say 90d, 24h or 30m")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def revoke(settings: Settings, which: str) -> None:
    """Revoke a key and say so."""
    with _issuing(settings) as keys:
        key = keys.revoke(which)
    old = key.former_until is not None and key.former_until > clock.now()
    typer.echo(f"{key.name} ({key.prefix}…) is revoked{', its old secret too' if old else ''}.")
