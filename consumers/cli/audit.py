"""The history proved, from the command line."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from consumers.cli.signed import PublicKeys

app = typer.Typer(help="Prove that nobody touched the history.", no_args_is_help=True)


@app.command("verify")
def audit_verify(
    *,
    against: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="A file of seals, one a line: the log must agree with all.",
        ),
    ] = None,
    public_key: PublicKeys = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make the log's chain again from its rows; exit with 1 where it does not follow.

    It names the first batch in which a fact was changed, removed, put in or moved: its positions,
    when it was recorded and by whom. Writers go on meanwhile; what they add is not looked at.
    So with who read whose personal data: it names the first read that is not as it was written.
    Against a seal, it proves that nothing up to there was rewritten, not even with its whole chain.
    A seal that was altered, or that is another's, is refused with 2. API keys that no fact issued,
    or that are not as their facts say, are named too.

    ```sh
    huike audit verify
    huike audit verify --against /mnt/elsewhere/seals.jsonl
    huike audit verify --json | jq .whole
    ```
    """
    from consumers.audit import verify as run_verify
    from infra.settings import Settings

    raise typer.Exit(run_verify(Settings(), against, public_key or [], as_json=as_json))


@app.command("seal")
def audit_seal(
    *,
    to: Annotated[Path | None, typer.Option(help="A file, or a folder: its seals.jsonl.")] = None,
    topic: Annotated[str | None, typer.Option(help="A topic of Kafka that it is sent to.")] = None,
) -> None:
    """Sign where the log ends, having checked what came since the last seal.

    Write it where nobody who can write the log can write: from then on, nobody can rewrite what is
    before it unnoticed. A file gets all seals of this key that it has not. Neither file nor topic:
    it is printed. Exits with 1, and signs nothing, when the log is not as it was recorded. Workers
    seal by themselves where HUIKE_SEAL_TO or HUIKE_SEAL_TOPIC says.

    ```sh
    huike audit seal --to /mnt/elsewhere/seals.jsonl
    huike audit seal --topic huike.seals
    ```
    """
    from consumers.seals import seal_head
    from infra.settings import Settings

    raise typer.Exit(seal_head(Settings(), to, topic))


@app.command("public-key")
def audit_public_key() -> None:
    """Print the key that seals are checked with: give it to auditors, and keep it elsewhere too.

    ```sh
    huike audit public-key > huike.pem
    ```
    """
    from consumers.audit import public_key
    from infra.settings import Settings

    raise typer.Exit(public_key(Settings()))


@app.command("package")
def audit_package(  # noqa: PLR0913  # what it may be about
    *,
    to: Annotated[Path, typer.Option(help="The file (zip) to write.")],
    customer: Annotated[str | None, typer.Option(help="The shop's user id, or a UUID.")] = None,
    order: Annotated[str | None, typer.Option(help="The order's number, or its UUID.")] = None,
    ticket: Annotated[str | None, typer.Option(help="The ticket's number, or its UUID.")] = None,
    campaign: Annotated[str | None, typer.Option(help="The campaign's code, or its UUID.")] = None,
    since: Annotated[
        datetime | None, typer.Option("--from", help="Recorded from then on (UTC).")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="And before then.")] = None,
    shop: Annotated[str, typer.Option(help="Whose ids they are.")] = "shop",
) -> None:
    """Write an auditor's package: facts, who said so and why, and what proves each of them.

    Of a customer, an order, a ticket, a campaign, or a period. Several that are named are all in
    it, each whole, and nobody else's facts; a period bounds them. A period by itself holds the
    facts of everybody. The log's head is sealed first. Personal fields stay sealed. A page in it
    explains the rest.

    ```sh
    huike audit package --order 1001 --to order.zip
    huike audit package --customer ada --from 2026-01-01 --to ada.zip
    huike audit package --from 2026-01-01 --until 2026-02-01 --to january.zip
    ```
    """
    from consumers.choosing import Asked
    from consumers.package import package
    from infra.settings import Settings

    asked = Asked(
        shop=shop,
        customer=customer,
        order=order,
        ticket=ticket,
        campaign=campaign,
        since=since and since.replace(tzinfo=UTC),
        until=until and until.replace(tzinfo=UTC),
    )
    raise typer.Exit(package(Settings(), asked, to))


@app.command("check")
def audit_check(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="An auditor's package.")
    ],
    *,
    public_key: Annotated[
        list[Path] | None,
        typer.Option(exists=True, dir_okay=False, help="The key (PEM) it must be signed with."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Seals that you received before, one a line."
        ),
    ] = None,
) -> None:
    """Check an auditor's package, without a database; exit with 2 when it was altered.

    ```sh
    huike audit check order.zip
    huike audit check order.zip --public-key huike.pem --against seals.jsonl
    ```
    """
    from consumers.package import check_package

    raise typer.Exit(check_package(file, public_key or [], against))
