"""A dossier names what it tells, and shows values as people write them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args, get_origin
from uuid import UUID

import msgspec
import pytest

from domain.shared.events import FACTS
from projections.dossier.lines import SECTIONS
from projections.dossier.values import HIDDEN, Values
from projections.dossier.words import WORDINGS
from projections.words import LANGUAGES


def names_of(kind: Any) -> Iterator[str]:
    """Yield the names of all that a type holds."""
    if get_origin(kind) is not None:
        for part in get_args(kind):
            yield from names_of(part)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for field in msgspec.structs.fields(kind):
            yield field.name
            yield from names_of(field.type)


@pytest.mark.parametrize("kind", sorted({kind for kinds in SECTIONS.values() for kind in kinds}))
def test_all_that_a_fact_says_has_a_chinese_name(kind: str) -> None:
    known = WORDINGS["zh"].labels.keys() | LANGUAGES["zh"].labels.keys() | HIDDEN
    assert set(names_of(FACTS[kind].cls)) <= known


def shown(lang: str = "en", **values: Any) -> str:
    return Values(lang).beside(values)


def test_an_amount_is_said_in_its_currency() -> None:
    page = shown(lines=[{"price": "1234.5"}], currency="USD", total=Decimal("42.5"))
    assert "<dd>42.50 USD</dd>" in page
    assert "<dt>currency</dt>" not in page
    assert "<dt>currency</dt><dd>USD</dd>" in shown(currency="USD")


def test_an_instant_is_said_in_the_readers_words_however_it_was_kept() -> None:
    at = datetime(2026, 3, 1, 9, 5, tzinfo=UTC)
    for value in (at, "2026-03-01T09:05:00Z"):
        assert ">1 March 2026, 09:05</time>" in shown(sent_at=value)
        assert ">2026年3月1日 09:05</time>" in shown("zh", sent_at=value)
    assert "2026-02-31T09:05:00Z" in shown(sent_at="2026-02-31T09:05:00Z")


def test_a_person_is_called_otherwise_than_a_thing() -> None:
    assert "<dt>姓名</dt><dd>Ada</dd>" in shown("zh", person={"name": "Ada"})
    assert "<dt>名称</dt><dd>Oolong</dd>" in shown("zh", properties={"name": "Oolong"})
    assert "<dt>明细 · 1 · 名称</dt>" in shown("zh", lines=[{"name": "Oolong"}])


def test_what_was_taken_back_is_said_to_be() -> None:
    assert "<dt>phone</dt><dd>(taken back)</dd>" in shown(person={"phone": ""})
    assert "<dt>search</dt><dd></dd>" in shown(properties={"search": ""})


def test_what_is_plain_stands_in_one_line() -> None:
    assert "<dd>tea, cups</dd>" in shown(traits={"likes": ["tea", "cups"]})
    assert shown(traits={"likes": []}, private=None) == ""


def test_nothing_that_was_said_is_markup() -> None:
    for value in ("<b>", ["<b>"], {"<b>": "x"}):
        assert "<b>" not in shown(said=value)
    assert f'<span class="id">{UUID(int=1)}</span>' in shown(order=str(UUID(int=1)))
