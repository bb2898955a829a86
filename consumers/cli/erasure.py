"""Erasures, from the command line."""

from pathlib import Path
from typing import Annotated

import typer

from consumers.cli.signed import PublicKeys

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


@app.command("again")
def erasure_again(
    files: Annotated[
        list[Path],
        typer.Argument(
            exists=True, dir_okay=False, help="Certificates, as /api/erasures gives them."
        ),
    ],
    *,
    public_key: PublicKeys = None,
    wait: Annotated[
        float, typer.Option(min=0, help="How many seconds to wait for the new certificates.")
    ] = 120,
    to: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="A folder where the new certificates are written."),
    ] = None,
) -> None:
    """Forget again, after a restore, whoever lives again of those whom certificates name.

    Each is asked for, due at once, and certified anew; who is forgotten already is left alone, and
    whom the log does not know yet it will not get to know. Run it while Huike runs, for views have
    to let go, and before shops send again what was lost. Exits with 1 while somebody is not
    forgotten, and with 2 when a file is no certificate that this service signed: nothing is done
    then.

    ```sh
    huike erasure again certificates/*.json --to certificates-again
    ```
    """
    from consumers.erasure.again import again
    from consumers.mistakes import files_told
    from infra.settings import Settings

    with files_told("A certificate"):
        raise typer.Exit(again(Settings(), files, public_key or [], wait=wait, to=to))
