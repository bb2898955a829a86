"""Verifies from the command line that a view says what the log says."""

import typer
from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn
from rich.table import Table

from consumers.opened import opened
from consumers.screen import screen
from infra.settings import Settings
from projections.catalogue import VIEWS
from projections.runtime.verify import Report, Verifier


def verify(settings: Settings, name: str) -> int:
    """Print the differences between a view and a replay; return 1 if there are any."""
    view = VIEWS.get(name)
    if view is None:
        typer.echo(f"There is no view {name}: {', '.join(VIEWS)}.", err=True)
        return 2
    console = screen()
    with (
        opened(settings) as here,
        Progress(*Progress.get_default_columns(), TimeElapsedColumn()) as bar,
    ):
        verifier = Verifier(here.views, view, here.sealer, here.reader, here.settings.slots)
        task = bar.add_task(f"replaying the log for {name}", total=1.0)
        report = verifier.verify(lambda share: bar.update(task, completed=share))
    _print(console, report)
    return int(report.different > 0)


def _print(console: Console, report: Report) -> None:
    console.print(
        f"{report.view} v{report.version} at position {report.position:,}, "
        f"clock {report.clock:%Y-%m-%d %H:%M:%S} UTC: "
        f"{report.facts:,} facts replayed, {report.rows:,} rows compared."
    )
    if not report.different:
        console.print("[green]No differences: the view says what the log says.[/green]")
        return
    table = Table("subject", "table", "key", "column", "live", "replayed")
    for difference in report.differences:
        table.add_row(
            str(difference.subject),
            difference.table,
            " ".join(difference.key),
            difference.column or "the row",
            str(difference.live),
            str(difference.replayed),
        )
    console.print(table)
    console.print(
        f"[red]{report.different:,} differences.[/red] Mend the view with `huike rebuild "
        f"{report.view}`."
    )
