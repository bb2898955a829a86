"""API keys: made, listed, rotated, revoked."""

from typing import Annotated, Any

import typer

app = typer.Typer(help="Make, list and revoke the API keys of machines.", no_args_is_help=True)


@app.command("add")
def keys_add(  # noqa: PLR0913  # what a key says of its facts
    name: Annotated[str, typer.Argument(help="What it is for, as people will read it.")],
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="ingest, query, command, audit, admin, personal or metrics; may be repeated."
        ),
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(
            help="admin, marketer, agent, sales, analyst, auditor or privacy-officer; "
            "may be repeated."
        ),
    ] = None,
    shop: Annotated[str, typer.Option(help="The shop whose facts it records.")] = "shop",
    source: Annotated[str, typer.Option(help="Its channel: site, app, erp …")] = "site",
    system: Annotated[
        bool,
        typer.Option("--system", help="Reports come from a machine, not from what customers do."),
    ] = False,
    currency: Annotated[str, typer.Option(help="Where an amount names none.")] = "USD",
    expires: Annotated[str | None, typer.Option(help="When it ends: 90d, 24h or 30m.")] = None,
    per_minute: Annotated[
        int | None,
        typer.Option(min=1, help="Requests, or events of a shop, that each server takes from it."),
    ] = None,
) -> None:
    """Make a key; it is printed once, alone on the last line.

    A machine's key has scopes, a key that works for people has their roles: who may do what is in
    the reference, under Access. Scopes: `ingest` publishes events, `query` asks, `command` asks for
    something to be done, `audit` reads the log, `admin` resends, and commands in every shop,
    `personal` sees who somebody is, `metrics` reads `/metrics`.

    Reading is by role, not by shop: who may ask sees the customers of every shop. Shops that must
    not see each other get an installation each.

    ```sh
    huike keys add site --scope ingest
    huike keys add erp --scope ingest --source erp --system
    huike keys add partner --scope ingest --expires 90d --per-minute 600
    KEY=$(huike keys add desk --scope query --scope personal)
    KEY=$(huike keys add grace --role agent)  # sees whom grace serves
    ```
    """
    from consumers.keys import add
    from infra.settings import Settings

    about: dict[str, Any] = {"shop": shop, "source": source, "currency": currency}
    about |= {"expires": expires, "per_minute": per_minute}
    add(Settings(), name, scope or [], roles=role or [], system=system, **about)


@app.command("list")
def keys_list(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List all keys, when each was last used and until when it lives; never their secrets.

    What a key did and read stands in the log under its id.

    ```sh
    huike keys list
    ID=$(huike keys list --json | jq -r '.[] | select(.name == "site") | .id')
    ```
    """
    from consumers.keys import show
    from infra.settings import Settings

    show(Settings(), as_json=as_json)


@app.command("rotate")
def keys_rotate(
    which: Annotated[str, typer.Argument(help="A key's id, its name, or what it begins with.")],
    *,
    overlap: Annotated[
        str, typer.Option(help="How long the old secret still opens: 24h, 30m; 0m: not at all.")
    ] = "24h",
    expires: Annotated[
        str | None, typer.Option(help="When the key ends, from now; not given: as it was.")
    ] = None,
) -> None:
    """Give a key a new secret, printed alone on the last line; the old one ends after the overlap.

    Its id, name and what it may do stay. A secret that was replaced before ends at once.

    ```sh
    huike keys rotate till
    huike keys rotate till --overlap 30m --expires 90d
    ```
    """
    from consumers.keys import rotate
    from infra.settings import Settings

    rotate(Settings(), which, overlap=overlap, expires=expires)


@app.command("revoke")
def keys_revoke(
    which: Annotated[str, typer.Argument(help="A key's id, its name, or what it begins with.")],
) -> None:
    """Revoke a key, and its old secret with it; every process refuses it within a second.

    ```sh
    huike keys revoke site
    ```
    """
    from consumers.keys import revoke
    from infra.settings import Settings

    revoke(Settings(), which)
