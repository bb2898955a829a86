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


@app.command("wrap")
def keyring_wrap(
    *,
    in_the_clear: Annotated[
        bool,
        typer.Option("--in-the-clear", help="Unwrap them for good, to do without the command."),
    ] = False,
) -> None:
    """Have HUIKE_EPOCH_COMMAND wrap all keys of the file anew.

    When the command is set for the first time, once everything runs with it; and whenever what it
    wraps by has changed: it must still unwrap what it wrapped before.

    ```sh
    HUIKE_EPOCH_COMMAND=/etc/huike/kms huike keyring wrap
    huike keyring wrap --in-the-clear  # then unset HUIKE_EPOCH_COMMAND
    ```
    """
    from consumers.keyring import wrap_again
    from infra.settings import Settings

    raise typer.Exit(wrap_again(Settings(), in_the_clear=in_the_clear))
