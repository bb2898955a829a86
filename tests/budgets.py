"""What each folder's tests may take, told at the end of a run of several: nothing fails for it."""

from collections import defaultdict
from operator import itemgetter
from pathlib import Path
from typing import Final

import pytest

BUDGETS: Final = {
    "api": 210,
    "bench": 100,
    "cli": 290,
    "commands": 70,
    "consumers": 300,
    "docs": 110,
    "domain": 20,
    "drills": 240,
    "infra": 240,
    "privacy": 110,
    "projections": 110,
}
"""Seconds of tests by folder, of two workers together on two cores: the whole in 15 minutes."""


class Budgets:
    """Adds up how long tests took, their fixtures too, wherever they ran."""

    def __init__(self) -> None:
        self.taken: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one part of a test: setup, call or teardown."""
        self.taken[Path(report.nodeid).parts[1]] += report.duration

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what folders took, when there were several."""
        if len(self.taken) < 2:
            return
        terminalreporter.section("seconds by folder, and its budget")
        for folder, seconds in sorted(self.taken.items(), key=itemgetter(1), reverse=True):
            budget = BUDGETS.get(folder, 0)
            over = "  OVER" if seconds > budget else ""
            terminalreporter.line(f"{folder:12} {seconds:6.0f} of {budget:4}{over}", red=bool(over))
        whole, allowed = sum(self.taken.values()), sum(BUDGETS.values())
        terminalreporter.line(f"{'in all':12} {whole:6.0f} of {allowed:4}")
