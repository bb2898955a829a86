"""Budgets of tests: each folder has one, and together they are what a run may take."""

from pathlib import Path

from tests.budgets import BUDGETS

WORKERS = 2
WHOLE_RUN_SECONDS = 15 * 60


def test_every_folder_of_tests_has_a_budget() -> None:
    tests = Path(__file__).parents[1]
    assert {file.parent.relative_to(tests).parts[0] for file in tests.glob("*/**/test_*.py")} == {
        *BUDGETS
    }


def test_all_budgets_together_are_within_a_whole_run() -> None:
    assert sum(BUDGETS.values()) <= WORKERS * WHOLE_RUN_SECONDS
