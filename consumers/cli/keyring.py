"""The keyring, from the command line."""

from typing import Annotated

import typer

app = typer.Typer(help="Look after the file of secrets.", no_args_is_help=True)


@app.command("renew")
def keyring_renew(
    *,
    prepare: Annotated[
        bool,
        typer.Option("--prepare", help="Only make the new key, to copy the file elsewhere first."),
    ] = False,
) -> None:
    """Wrap everybody's keys under a new epoch, and destroy the epoch before it.

    After it, who was forgotten cannot be read again by anybody, from any backup of the database.
    Everything else goes on meanwhile. A renewal that was broken off goes on where it was.

    ```sh
    huike keyring renew
    huike keyring renew --prepare  # copy the file to all machines, then renew
    ```
    """
    from consumers.keyring import renew_now
    from infra.settings import Settings

    renew_now(Settings(), only_prepare=prepare)
