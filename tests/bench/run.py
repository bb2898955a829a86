"""`huike bench`: runs measures one after the other on a Postgres of their own, and tells them."""

import fcntl
import gc
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra import logging
from tests.bench import report
from tests.bench.ground import Ground, Sizes
from tests.bench.measure import Figure
from tests.bench.measures import MEASURES
from tests.bench.processes import ROOT

FOLDER: Final = ROOT / ".huike-dev" / "bench"
"""On the checkout's disk: in memory, a commit would cost nothing."""


class Busy(Exception):
    """Another benchmark runs in this checkout: two at once would measure each other."""


def run(
    names: Sequence[str],
    sizes: Sizes = Sizes(),  # noqa: B008  # frozen
    *,
    as_json: bool = False,
    markdown: bool = False,
) -> int:
    """Measure, print; return the exit status: 0 when all was measured, whatever came of it."""
    unknown = [name for name in names if name not in MEASURES]
    console = Console(stderr=True)
    if unknown:
        console.print(f"There is no measure {', '.join(unknown)}. These are there:")
        for name, measure in MEASURES.items():
            console.print(f"  [bold]{name:10}[/] {measure.about}")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    try:
        figures = run_all(names or list(MEASURES), console, sizes)
    except Busy as refusal:
        console.print(str(refusal.__doc__))
        return 1
    if as_json:
        print(report.as_json(figures))  # noqa: T201  # the answer itself
    elif markdown:
        print(report.as_markdown(figures))  # noqa: T201
    else:
        wide = Console(width=None if sys.stdout.isatty() else 160)
        wide.print(report.as_table(figures))
        wide.print(report.machine())
        missed = [figure.name for figure in figures if figure.met is False]
        wide.print(f"Goals missed: {', '.join(missed) or 'none'}.")
    told = {figure.name.partition("-")[0] for figure in figures}
    return 0 if told.issuperset(names or MEASURES) else 1


def run_all(names: Sequence[str], console: Console, sizes: Sizes) -> list[Figure]:
    """Run measures, telling what is being done. Raises Busy."""
    _undisturbed()
    console.print(
        f"{report.machine()} About {_minutes(names, sizes):.0f} minutes when it is quiet."
    )
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    figures: list[Figure] = []
    with _alone(), Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("", total=len(names))
        now = ""

        def say(what: str) -> None:
            bar.update(task, description=f"{now}: {what}" if now else what)

        def warn(what: str) -> None:
            bar.console.print(f"[bold red]{what}[/]")

        with Ground(FOLDER, sizes, say=say, warn=warn) as ground:
            if not sizes.quick:
                ground.charts = ROOT / "docs"
            for name in sorted(names, key=list(MEASURES).index):
                now = name
                say("measuring")
                began = time.monotonic()
                try:
                    for figure in MEASURES[name].run(ground):
                        bar.console.print(report.as_line(figure))
                        figures.append(figure)
                except Exception:  # noqa: BLE001  # the others are worth having
                    bar.console.print_exception(max_frames=4)
                    continue
                finally:
                    ground.rest()
                bar.console.print(f"[dim]{name} took {time.monotonic() - began:.0f} s[/]")
                bar.advance(task)
    return figures


def _minutes(names: Sequence[str], sizes: Sizes) -> float:
    if sizes.quick:
        return 1
    minutes = {name: MEASURES[name].minutes for name in names}
    if "memory" in minutes:
        minutes["memory"] = sizes.minutes
    return sum(minutes.values())


def _undisturbed() -> None:
    """Let no setting of this machine's own Huike reach the processes that are measured."""
    logging.configure("error")
    for name in [n for n in os.environ if n.startswith("HUIKE_")]:
        del os.environ[name]
    os.environ["HUIKE_SETTINGS"] = os.devnull
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as our server has it, for every side
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))


@contextmanager
def _alone() -> Iterator[None]:
    FOLDER.parent.mkdir(exist_ok=True)
    with (FOLDER.parent / "bench.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy from None
        yield
