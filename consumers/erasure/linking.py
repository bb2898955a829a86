"""The link by which customers ask themselves to be forgotten."""

from datetime import timedelta

import typer

from consumers.opened import opened
from infra import clock
from infra.links import token_of
from infra.settings import Settings


def link(settings: Settings, customer: str, *, shop: str, days: int, site: str | None) -> int:
    """Print a customer's link; return 2 for who is not known, or was forgotten."""
    with opened(settings) as here:
        identity = here.identity(customer, shop)
        whom = here.reader.customer_of(identity)
        if not here.reader.of_origins([identity], upto=here.reader.last()):
            typer.echo(f"There is no customer {customer} of shop {shop}.", err=True)
            return 2
        if here.sealer.forgotten({identity, whom}):
            typer.echo(f"Customer {customer} of shop {shop} was forgotten already.", err=True)
            return 2
        token = token_of(here.ids, whom, clock.now() + timedelta(days=days))
    if site is None:
        typer.echo(
            f"The link leads to {settings.local_url}, where this machine finds the server: "
            "say where customers do by --site https://...",
            err=True,
        )
    typer.echo(f"{(site or settings.local_url).rstrip('/')}/forget-me?token={token}")
    return 0
