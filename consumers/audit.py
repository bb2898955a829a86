"""Proves from the command line that the log is as it was recorded, or names where it is not."""

import time
from contextlib import closing
from typing import Any

import msgspec
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from consumers.place import log_url
from consumers.screen import screen
from infra.event_store.chain import Break, Mark, follow
from infra.postgres import WRITER, connect
from infra.settings import Settings


def verify(settings: Settings, *, as_json: bool) -> int:
    """Make the log's chain again from its rows; print its end or its first break; return 1 then."""
    began = time.monotonic()
    with closing(connect(log_url(settings), WRITER)) as connection, _bar() as bar:
        task = bar.add_task("facts")
        found = follow(connection, tell=lambda at, head: bar.update(task, completed=at, total=head))
    seconds = time.monotonic() - began
    if as_json:
        print(msgspec.json.encode(_told(found, seconds)).decode())  # noqa: T201  # the answer itself
    elif isinstance(found, Break):
        typer.echo(f"The log is not as it was recorded. The first batch that is wrong: {found}.")
    else:
        typer.echo(
            f"{found.position:,} facts are as they were recorded, {_rate(found.position, seconds)}."
            f" The chain ends with {found.chain.hex()}"
        )
    return int(isinstance(found, Break))


def _told(found: Mark | Break, seconds: float) -> dict[str, Any]:
    if isinstance(found, Break):
        return {"whole": False, "break": found}
    return {
        "whole": True,
        "position": found.position,
        "chain": found.chain.hex(),
        "seconds": round(seconds, 3),
    }


def _rate(facts: int, seconds: float) -> str:
    return f"{facts / max(seconds, 0.001):,.0f} a second"


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} {task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=screen(stderr=True),
    )
