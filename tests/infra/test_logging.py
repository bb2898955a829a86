"""What is logged stays in its line, whatever somebody made us log."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Final

import pytest
import structlog

from infra import logging as our_logging

FORGED: Final = "tea\n2026-01-01 [info] paid\r\x1b[2J\x1b]0;mine\x07\x9b31m\u2028\u202e"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


def logged(*, as_json: bool) -> str:
    out = io.StringIO()
    our_logging.configure("info", as_json=as_json, out=out, for_good=False)
    structlog.get_logger().info(FORGED, what=FORGED, of={"name": FORGED}, by=[FORGED])
    logging.getLogger("a library").warning("said %s", FORGED)
    return out.getvalue()


def test_json_is_a_line_for_each() -> None:
    told = [json.loads(line) for line in logged(as_json=True).splitlines()]
    assert [line["message"] for line in told] == [FORGED, f"said {FORGED}"]


def test_a_terminal_is_shown_nothing_that_it_would_obey() -> None:
    told = re.sub(r"\x1b\[\d*m", "", logged(as_json=False))  # the renderer's own colours
    assert len(told.splitlines()) == 2
    assert "tea" in told
    assert [one for one in told if not one.isprintable()] == ["\n", "\n"]
