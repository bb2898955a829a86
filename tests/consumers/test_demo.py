"""The demo, with a few of its households: what it prints, and that it goes on where it ended."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from infra.dev.postgres import EmbeddedPostgres
from tests.cli.running import Installation, await_that, end, kill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

FEW = 40
RUN = f"""
import sys, huike
from consumers.demo.show import show
from infra.settings import Settings
stop = huike._stop_event()
sys.exit(show(Settings(), stop, once=True, as_json=True, original=True, households={FEW}))
"""


class Demo(Installation):
    def command(self, *arguments: str) -> list[str]:
        return (
            [sys.executable, "-c", RUN] if arguments == ("demo",) else super().command(*arguments)
        )

    def told_once(self) -> dict[str, Any]:
        """Run it to its end; return what it printed."""
        done = self.run("demo", within=150)
        assert done.returncode == 0, done.stderr[-3000:] + self.told()
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def facts(self) -> int:
        """Return how many facts there are; none before there is a log."""
        postgres = EmbeddedPostgres(self.home / "postgres")
        if not postgres.running:
            return 0
        try:
            with psycopg.connect(postgres.url.replace("/postgres?", "/huike?")) as connection:
                row = connection.execute("select max(position) from log.batch").fetchone()
                return (row and row[0]) or 0
        except psycopg.Error:
            return 0


@pytest.fixture
def demo(server_folder: Path) -> Iterator[Demo]:
    made = Demo(server_folder)
    yield made
    EmbeddedPostgres(made.home / "postgres").stop()


def figures(told: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs from one home to another: ids and the time it took."""
    campaigns = [{**campaign, "id": None} for campaign in told["campaigns"]]
    simulated = {**told["simulated"], "id": None}
    return {**told, "campaigns": campaigns, "simulated": simulated, "seconds": None}


def pinned(told: dict[str, Any]) -> dict[str, Any]:
    """Return what every installation shows of these households, on any day."""
    campaigns, simulated = told["campaigns"], told["simulated"]
    return {
        "facts": told["facts"],
        "stages": {stage: count for stage, count in told["stages"].items() if count},
        "treated": sum(campaign["treated"] for campaign in campaigns),
        "converted": sum(campaign["converted"][-1] for campaign in campaigns),
        "net": sum(Decimal(campaign["net"]) for campaign in campaigns),
        "simulated": (
            simulated["treated"],
            simulated["converted"],
            simulated["net"],
            round(simulated["uplift"]["difference"], 4),
        ),
    }


def test_it_prints_its_summary_and_finds_its_data_again(demo: Demo) -> None:
    told = demo.told_once()
    assert {"facts", "customers", "stages", "campaigns", "seconds"} <= set(told)
    assert told["customers"] == FEW == sum(told["stages"].values())
    assert told["at"] == "2018-01-01T00:00:00Z"
    assert told["stages"]["active"] > FEW / 2  # as they stood when the year ended
    assert len(told["campaigns"]) == 27
    for campaign in told["campaigns"]:
        assert {"name", "recipients", "converted", "net"} <= set(campaign)
        assert len(campaign["converted"]) == 7
        assert campaign["converted"] == sorted(campaign["converted"])
        assert campaign["converted"][-1] <= campaign["recipients"]
        assert campaign["uplift"] is None  # there is no control group to compare with
    assert told["simulated"]["uplift"]
    assert pinned(told) == {
        "facts": 27_944,
        "stages": {"active": 36, "silent": 3, "lost": 1},
        "treated": 128,
        "converted": 101,
        "net": Decimal("10034.86"),
        "simulated": (1_600, [66, 116, 144, 169, 198, 225, 247], "16009.83", 0.0544),
    }
    again = demo.told_once()
    assert {**again, "seconds": 0} == {**told, "seconds": 0}


def test_killed_half_way_it_completes_with_the_same_result(demo: Demo, server_folder: Path) -> None:
    with _started(demo) as first:
        await_that(lambda: demo.facts() > 2_000 or first.poll() is not None, demo.told)
        assert first.poll() is None, demo.told()
        parts = psutil.Process(first.pid).children()
        kill(first.pid)
    psutil.wait_procs(parts, 60)
    with _started(demo) as second:
        before = demo.facts()
        await_that(lambda: demo.facts() > before + 500 or second.poll() is not None, demo.told)
        end(second)  # as Ctrl-C does
        assert second.returncode == 1
        assert "the next start goes on" in demo.errors.read_text()
    told = demo.told_once()
    (server_folder / "whole").mkdir()
    whole = Demo(server_folder / "whole")
    try:
        assert figures(told) == figures(whole.told_once())
    finally:
        EmbeddedPostgres(whole.home / "postgres").stop()


@contextmanager
def _started(demo: Demo) -> Iterator["subprocess.Popen[bytes]"]:
    with demo.running("demo", PYTHONUNBUFFERED="1", PATH=os.environ["PATH"]) as process:
        yield process
