"""`python -m tests.drills [NAME...] [--short]`: runs drills and says what held."""

import argparse
import fcntl
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from infra import logging
from tests.cli.running import ROOT
from tests.drills.catalogue import DRILLS
from tests.drills.drill import Drill, Findings, Skipped
from tests.drills.ground import Ground

FOLDER = ROOT / ".huike-dev" / "drills"
"""On the checkout's disk, as an installation's data would be."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; return 0 when all of it held, 1 when something did not."""
    asked = _asked(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    for name in [n for n in os.environ if n.startswith("HUIKE_")]:
        del os.environ[name]
    os.environ["HUIKE_SETTINGS"] = os.devnull
    logging.configure("error")
    console = Console(highlight=False, soft_wrap=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER.parent / "drills.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print("Other drills run in this checkout; wait for them.")
            return 1
        names = asked.names or [drill.name for drill in DRILLS.values() if not drill.by_name]
        return _run(names, console, short=asked.short)


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = "\n".join(f"  {d.name:10} {d.must_hold}" for d in DRILLS.values())
    parser = argparse.ArgumentParser(
        prog="python -m tests.drills",
        description="Does harm to a Huike of its own, and looks whether what must hold holds.",
        epilog=f"drills:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="which; none: all but soak", choices=[*DRILLS, []]
    )
    parser.add_argument("--short", action="store_true", help="the forms that `make test` runs")
    return parser.parse_args(arguments)


def _run(names: Sequence[str], console: Console, *, short: bool) -> int:
    outcomes = {}
    for name in names:
        drill = DRILLS[name]
        console.print(f"\n[bold]{name}[/] {drill.must_hold}")
        began = time.monotonic()
        outcomes[name] = run_drill(drill, FOLDER / name, console, short=short)
        console.print(f"  {outcomes[name]} after {time.monotonic() - began:.0f} s")
    console.print("\n[bold]In all[/]")
    for name, outcome in outcomes.items():
        console.print(f"  {name:10} {outcome}")
    return int(any(outcome.startswith("[bold red]") for outcome in outcomes.values()))


def run_drill(drill: Drill, folder: Path, console: Console, *, short: bool) -> str:
    """Run one; return what came of it in a word."""

    def say(what: str) -> None:
        console.print(f"  {time.strftime('%H:%M:%S')} {escape(what)}")

    found = Findings(say)
    try:
        with Ground(folder, short=short, say=say) as ground:
            drill.run(ground, found)
            if not found.held:
                ground.keep_logs()
    except Skipped as why:
        say(f"SKIPPED: {why}")
        return "[bold yellow]SKIPPED[/]"
    except Exception:  # noqa: BLE001  # the others are still to be run
        say(traceback.format_exc(limit=-6))
        return "[bold red]BROKE OFF[/]"
    return "[green]held[/]" if found.held else "[bold red]NOT HELD[/]"


if __name__ == "__main__":
    sys.exit(main())
