"""Every page looks the same, can be read by everybody, and loads nothing."""

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from projections.page import CLOSING, HEADERS, moment, opening, whole

PAGE = opening("Tea & cups", "en") + CLOSING
STYLE = PAGE.partition("<style>")[2].partition("</style>")[0]
LIGHT, DARK, PRINT = (
    dict(re.findall(r"--([\w-]+): (#\w+);", block))
    for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
)


def test_the_policy_allows_this_style_and_nothing_else() -> None:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = HEADERS["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_who_keeps_it_as_a_file_keeps_the_policy() -> None:
    told = PAGE.partition('http-equiv="Content-Security-Policy" content="')[2].partition('"')[0]
    assert HEADERS["Content-Security-Policy"].startswith(told)


def test_it_loads_nothing() -> None:
    assert re.findall(r"url\(|@import|https?:|<script|<link|<img", PAGE) == []


def light_of(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    "colours", [LIGHT, DARK, {**LIGHT, **PRINT}], ids=["day", "night", "paper"]
)
@pytest.mark.parametrize(
    ("on", "under"),
    [("ink", "paper"), ("ink", "wash"), ("soft", "paper"), ("leaf", "paper"), ("on-stop", "stop")],
)
def test_it_is_read_by_weak_eyes(colours: Mapping[str, str], on: str, under: str) -> None:
    """WCAG 2, 1.4.3: a contrast of 4.5 to 1."""
    dark, light = sorted((light_of(colours[on]), light_of(colours[under])))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_what_is_said_in_its_title_is_no_markup() -> None:
    page = whole("<b>", "zh", ["<p>tea</p>"])
    assert "<b>" not in page
    assert '<html lang="zh">' in page
    assert page.count("<h1>") == page.count("<main>") == page.count("</main>") == 1


def test_an_instant_is_said_in_words() -> None:
    at = datetime(2026, 11, 3, 9, 5, 7, tzinfo=UTC)
    assert moment(at, "en") == f'<time datetime="{at.isoformat()}">3 November 2026, 09:05</time>'
    assert ">2026年11月3日 09:05:07<" in moment(at, "zh", seconds=True)
