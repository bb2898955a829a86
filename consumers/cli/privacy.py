"""What is known of somebody, and for how long."""

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer()
retention_app = typer.Typer(invoke_without_command=True)
app.add_typer(retention_app, name="retention")


@app.command()
def dossier(  # noqa: PLR0913  # what may be asked
    customer: Annotated[str, typer.Argument(help="The customer's id, or the shop's user id.")],
    *,
    to: Annotated[Path, typer.Option(help="The file to write; there must be none yet.")],
    html: Annotated[bool, typer.Option("--html", help="A page to read and print.")] = False,
    originals: Annotated[
        bool, typer.Option("--originals", help="Also each message as the shop sent it.")
    ] = False,
    shop: Annotated[str, typer.Option(help="Whose user id it is.")] = "shop",
    lang: Annotated[str, typer.Option(help="In which language: en or zh.")] = "en",
) -> None:
    """Write all that is known of a customer to a file, with where each thing came from.

    ```sh
    huike dossier 42 --to 42.json
    huike dossier 42 --to 42.html --html --lang zh
    ```
    """
    from consumers.dossier import write_dossier
    from infra.settings import Settings

    about: dict[str, Any] = {"shop": shop, "lang": lang, "html": html, "sent": originals}
    raise typer.Exit(write_dossier(Settings(), customer, to, **about))


@retention_app.callback()
def retention(
    context: typer.Context,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what is past its months.")
    ] = False,
    to: Annotated[Path | None, typer.Option(help="Also write the certificate to a file.")] = None,
) -> None:
    """Make unreadable what sources sent so many months ago as HUIKE_RETENTION says.

    Workers of views do so every hour. Keys of originals are destroyed, refused events deleted, and
    the table of a month that nobody can read is dropped. Facts stay. Months of the access log go in
    the same way. It connects as the owner.

    ```sh
    export HUIKE_RETENTION=shop/site=24,*=36,access=60
    huike retention --dry-run
    huike retention --to certificate.json
    ```
    """
    if context.invoked_subcommand is not None:
        return
    from consumers.retention import retain
    from infra.settings import Settings

    raise typer.Exit(retain(Settings(), dry_run=dry_run, to=to))


@retention_app.command("verify")
def retention_verify(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="A certificate, as `huike retention` writes it."
        ),
    ],
) -> None:
    """Check a certificate against this system: its signature, and that nothing of it opens.

    Exits with 1 when anything contradicts it. Run it on a restored backup as well. It connects as
    the owner.

    ```sh
    huike retention verify certificate.json
    ```
    """
    from consumers.retained import verify
    from infra.settings import Settings

    raise typer.Exit(verify(Settings(), file))
