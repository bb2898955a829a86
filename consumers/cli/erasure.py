"""Erasures, from the command line."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Forget customers, and prove it.", no_args_is_help=True)


@app.command("link")
def erasure_link(
    customer: Annotated[str, typer.Argument(help="The customer's id, or the shop's user id.")],
    *,
    shop: Annotated[str, typer.Option(help="Whose user id it is.")] = "shop",
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it works.")] = 7,
    site: Annotated[
        str | None,
        typer.Option(
            help="Where customers reach this server: https://... None: where this machine does."
        ),
    ] = None,
) -> None:
    """Print a link by which a customer asks, without a key, to be forgotten.

    It names the customer by id alone, and ends by itself. Whoever holds it may ask: send it to the
    customer's own address. Who was forgotten already gets none.

    ```sh
    huike erasure link 900 --site https://privacy.shop.example
    ```
    """
    from consumers.erasure.linking import link
    from infra.settings import Settings

    raise typer.Exit(link(Settings(), customer, shop=shop, days=days, site=site))


@app.command("verify")
def erasure_verify(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="A certificate, as /api/erasures gives it."
        ),
    ],
) -> None:
    """Check a certificate against this system: its signature, and that nothing opens.

    Exits with 1 when anything contradicts it. Run it on a restored backup as well.

    ```sh
    huike erasure verify erasure-1d0e3c8e.json
    ```
    """
    from consumers.erasure.checking import verify
    from infra.settings import Settings

    raise typer.Exit(verify(Settings(), file))
