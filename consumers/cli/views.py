"""Views: rebuilt, verified, replayed, dealt into slots anew."""

from typing import Annotated, Any

import typer

app = typer.Typer()

View = Annotated[str, typer.Argument(help="profile, timeline, lifecycle or conversion")]


@app.command()
def rebuild(
    view: View,
    *,
    processes: Annotated[int, typer.Option(help="How many fold in parallel.")] = 2,
    yes: Annotated[
        bool, typer.Option("--yes", help="Swap without asking, whatever the differences.")
    ] = False,
) -> None:
    """Build a view anew from the log beside the one that is served, show what differs, swap.

    The old one answers until the swap. With no differences it is swapped without asking.

    ```sh
    huike rebuild profile
    huike rebuild lifecycle --processes 8 --yes
    ```
    """
    from consumers.rebuild import rebuild as run_rebuild
    from infra.settings import Settings

    raise typer.Exit(run_rebuild(Settings(), view, processes=processes, swap_anyway=yes))


@app.command()
def verify(view: View) -> None:
    """Compare a view with a replay of the log; exit with 1 when they differ.

    ```sh
    huike verify conversion && echo it says what the log says
    ```
    """
    from consumers.verify import verify as run_verify
    from infra.settings import Settings

    raise typer.Exit(run_verify(Settings(), view))


@app.command()
def replay(  # noqa: PLR0913  # what may be asked
    customer: Annotated[str, typer.Argument(help="The customer's id, or the shop's user id.")],
    *,
    at: Annotated[str | None, typer.Option(help="Asked about this instant (ISO 8601).")] = None,
    known_at: Annotated[
        str | None, typer.Option(help="As known at this position or instant.")
    ] = None,
    shop: Annotated[str, typer.Option(help="Whose user id it is.")] = "shop",
    lang: Annotated[str, typer.Option(help="In which language: en or zh.")] = "en",
    as_json: Annotated[
        bool, typer.Option("--json", help="Every fact and row with all columns, as JSON.")
    ] = False,
) -> None:
    """Tell a customer's story in words, from the log, and what it comes to.

    ```sh
    huike replay 900                  # the shop's user 900, now
    huike replay 900 --lang zh        # in Chinese
    huike replay 900 --at 2026-03-01  # as it stood on that day
    huike replay 900 --known-at 5000  # as known when the log had 5,000 facts
    ```
    """
    from consumers.replay import replay as run_replay
    from infra.settings import Settings

    about: dict[str, Any] = {"at": at, "known_at": known_at, "shop": shop, "lang": lang}
    raise typer.Exit(run_replay(Settings(), customer, as_json=as_json, **about))


@app.command()
def slots(
    number: Annotated[int, typer.Argument(min=1, max=4096, help="How many there are to be.")],
) -> None:
    """Deal the customers into another number of slots; the views' rows stay as they are.

    Stop every worker first. Slots bound how many workers share a view, and are the partitions of
    the topic of facts.

    ```sh
    huike slots 64  # then HUIKE_SLOTS=64 for every process
    ```
    """
    from consumers.slots import change
    from infra.settings import Settings

    raise typer.Exit(change(Settings(), number))
