"""The walk through OWASP's ASVS leaves no item out, and names what is there."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

from tests.docs.running import DOCS, ROOT

PAGE: Final = (DOCS / "explanation" / "asvs.md").read_text(encoding="utf-8")
ROWS: Final = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| \d", line)
]
STATES: Final = ("met", "in part", "not met", "not for us")

LEVEL_2: Final = """
1.1.1-7 1.2.1-4 1.4.1 1.4.4-5 1.5.1-4 1.6.1-4 1.7.1-2 1.8.1-2 1.9.1-2 1.10.1 1.11.1-2 1.12.2
1.14.1-6
2.1.1-12 2.2.1-3 2.3.1-3 2.4.1-5 2.5.1-7 2.6.1-3 2.7.1-6 2.8.1-7 2.9.1-3 2.10.1-4
3.1.1 3.2.1-4 3.3.1-4 3.4.1-5 3.5.1-3 3.7.1
4.1.1-3 4.1.5 4.2.1-2 4.3.1-3
5.1.1-5 5.2.1-8 5.3.1-10 5.4.1-3 5.5.1-4
6.1.1-3 6.2.1-6 6.3.1-2 6.4.1-2
7.1.1-4 7.2.1-2 7.3.1 7.3.3-4 7.4.1-3
8.1.1-4 8.2.1-3 8.3.1-8
9.1.1-3 9.2.1-4
10.2.1-2 10.3.1-3
11.1.1-8
12.1.1-3 12.2.1 12.3.1-6 12.4.1-2 12.5.1-2 12.6.1
13.1.1 13.1.3-5 13.2.1-3 13.2.5-6 13.3.1-2 13.4.1-2
14.1.1-4 14.2.1-6 14.3.2-3 14.4.1-7 14.5.1-4
"""
"""The numbers of version 4.0.3, levels 1 and 2, without those that were withdrawn."""


def items(told: str) -> Iterator[str]:
    """Yield the numbers of `4.1.1-3` or of `4.1.1 to 4.1.3`."""
    first, _, last = told.replace(" to ", "-").partition("-")
    section, _, number = first.rpartition(".")
    end = int(last.rpartition(".")[2]) if last else int(number)
    for each in range(int(number), end + 1):
        yield f"{section}.{each}"


def test_each_item_is_looked_at_once() -> None:
    looked_at = [item for items_told, *_ in ROWS for item in items(items_told)]
    assert looked_at == [item for told in LEVEL_2.split() for item in items(told)]


def test_the_sum_is_right() -> None:
    counts = Counter(state for told, _, state, _ in ROWS for _ in items(told))
    told = re.search(r"Of (\d+) items (\d+) are met, (\d+) in part, (\d+) are not, and (\d+)", PAGE)
    assert told
    assert [int(each) for each in told.groups()] == [
        sum(counts.values()),
        *(counts[state] for state in STATES),
    ]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_said_to_hold_is_there(row: list[str]) -> None:
    _, short, state, where = row
    assert short
    assert state in STATES
    named = re.findall(r"`([\w./-]+[/.][\w./-]*|Makefile|Dockerfile)`", where)
    assert all((ROOT / file).exists() for file in named), row
    if state == "met":
        assert named, row
    assert where
