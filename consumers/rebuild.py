"""`huike rebuild`: a view built anew by several processes, compared and swapped while it serves."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from consumers.building import Tools, Where, build_part, opened
from consumers.place import placed
from domain.shared.log import Reader
from infra.apart import end_with_parent
from infra.postgres import Connection, connect
from infra.settings import Settings
from projections import catalogue
from projections.projection import View
from projections.runtime import schema
from projections.runtime.build import Part
from projections.runtime.compare import Compared, Difference
from projections.runtime.rebuild import Rebuild, RebuildRunning, Rebuilt, SwapBusy

_LOOK_SECONDS: Final = 0.25

Told = Callable[[int, int], None]
"""Is told how many facts were folded, of how many."""


def where(settings: Settings) -> Where:
    """Return where a process that builds finds everything."""
    log_url, views_url = settings.log_url, settings.views_or_log_url
    assert log_url is not None
    assert views_url is not None
    return Where(
        log_url=log_url,
        views_url=views_url,
        keyring_file=settings.keyring_file,
        vault=settings.vault,
    )


@contextmanager
def tools(settings: Settings) -> Iterator[Tools]:
    """Open the log and its keys; `settings` say where they are."""
    with opened(where(settings)) as use:
        yield use


def rebuild_view(
    settings: Settings,
    view: View,
    *,
    processes: int,
    decide: Callable[[Compared], bool],
    told: Told = lambda _done, _total: None,
) -> Rebuilt:
    """Rebuild one view of the catalogue. Raises RebuildRunning, SwapBusy, or what a fold raised."""
    assert settings.views_or_log_url is not None
    with connect(settings.views_or_log_url) as admin:
        schema.install(admin)
    with tools(settings) as use, use.open() as watching:
        spawned = get_context("spawn")
        with ProcessPoolExecutor(processes, spawned, end_with_parent) as workers:

            def build(parts: Sequence[Part]) -> Iterable[bytes]:
                futures = [workers.submit(build_part, where(settings), part) for part in parts]
                _watch(watching, view, futures, told)
                return [future.result() for future in futures]

            reader: Reader = use.reader
            making = Rebuild(use.open, view, use.sealer, reader, settings.slots)
            return making.run(build, decide, processes=processes)


def _watch(
    connection: Connection, view: View, futures: "Sequence[Future[bytes]]", told: Told
) -> None:
    """Tell how far the parts have come until all are done or one has failed."""
    done = threading.Event()
    while not all(future.done() for future in futures):
        done.wait(_LOOK_SECONDS)
        row = connection.execute(
            "select facts, total from views.rebuild where view = %s", (view.name,)
        ).fetchone()
        if row:
            told(min(row[0], row[1]), row[1])
        if any(future.done() and future.exception() for future in futures):
            for future in futures:
                future.cancel()
            return


def rebuild(settings: Settings, view: str, *, processes: int, swap_anyway: bool) -> int:
    """Rebuild a view, show what differs, swap; return the command's exit status."""
    if view not in catalogue.VIEWS:
        typer.echo(f"There is no view {view}: {', '.join(catalogue.VIEWS)}.", err=True)
        return 2
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task(f"folding {view}", total=None)

        def decide(compared: Compared) -> bool:
            bar.stop()
            if compared.why_not:
                console.print(f"Not compared: {compared.why_not}.")
                return True
            if compared.different == 0:
                console.print(f"{compared.rows} rows are the same as those served.")
                return True
            show(console, compared.different, compared.differences)
            return swap_anyway or typer.confirm("Serve the new rows?", default=False)

        try:
            made = rebuild_view(
                placed(settings),
                catalogue.VIEWS[view],
                processes=processes,
                decide=decide,
                told=lambda facts, total: bar.update(task, completed=facts, total=total),
            )
        except (RebuildRunning, SwapBusy) as refusal:
            typer.echo(str(refusal), err=True)
            return 1
    if not made.swapped:
        typer.echo("The rows that were served still are; the new ones are removed.")
        return 1
    typer.echo(f"{view} is served by {made.generation.schema}, from {made.facts} facts.")
    return 0


def show(console: Console, count: int, differences: Sequence[Difference]) -> None:
    """Print the first differences as a table."""
    table = Table(
        "table", "subject", "key", "column", "served", "replayed", title=f"{count} differ"
    )
    for each in differences:
        table.add_row(
            each.table,
            str(each.subject),
            " ".join(each.key),
            each.column or "whole row",
            str(each.live),
            str(each.replayed),
        )
    console.print(table)
