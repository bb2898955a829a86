"""A dossier names what it tells, and shows values as people write them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args, get_origin
from uuid import UUID

import msgspec
import pytest

from api.access import TABLE
from commands.shop.refusals import NotTaken
from domain.shared.events import FACTS
from infra.keys import Role
from projections.by import By
from projections.dossier.aside import Aside
from projections.dossier.beside import Erasing, Read, Refused
from projections.dossier.lines import SECTIONS
from projections.dossier.values import HIDDEN, Values
from projections.dossier.words import WORDINGS, who
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


def words_of(kind: type[NotTaken]) -> set[str]:
    return {kind.code}.union(*map(words_of, kind.__subclasses__()))


def test_why_a_message_was_not_taken_is_said_in_chinese() -> None:
    """English is what the reason is kept in."""
    assert {f"refused.{code}" for code in words_of(NotTaken)} <= set(WORDINGS["zh"].words)


@pytest.mark.parametrize("language", WORDINGS)
def test_what_somebody_did_who_saw_the_person_is_said_in_words(language: str) -> None:
    operations = {name for name, operation in TABLE.items() if operation.shows}
    words = WORDINGS[language].words
    said = {name.removeprefix("read.") for name in words if name.startswith("read.")}
    assert said == operations | {"huike dossier", "huike replay"}


def test_roles_and_states_have_chinese_words() -> None:
    words = WORDINGS["zh"].words
    assert {f"roles.{role}" for role in Role} <= set(words)
    kinds = {name.partition(".")[0] for name in WORDINGS["en"].words}
    for kind in kinds - {"read"}:
        english = {name for name in WORDINGS["en"].words if name.startswith(f"{kind}.")}
        assert english <= set(words)


@pytest.mark.parametrize("language", WORDINGS)
def test_who_has_no_name_is_told_by_what_it_is(language: str) -> None:
    told = [who(By(kind=kind, id="7"), language) for kind in ("key", "system", "process", "person")]
    assert (
        told
        == {
            "en": ["a key 7", "the system 7", "the program 7", "you"],
            "zh": ["密钥 7", "系统 7", "程序 7", "您本人"],
        }[language]
    )
    assert who(By(kind="key", id="7", name="till"), language) == "till"


UTC_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ERASING = Erasing(
    erasure=UUID(int=1),
    asked_by="customer",
    requested_at=UTC_NOON,
    due_at=UTC_NOON,
    state="waiting",
    waits_for=("open-order", "legal-hold"),
    erased_at=None,
    position=None,
    refused=0,
    answers=0,
    digest=None,
    certificate=None,
)
READ = Read(
    at=UTC_NOON,
    by=By(kind="system", id="root"),
    operation="huike dossier",
    basis="role admin privacy-officer",
    reason=None,
    request="r-1",
    shop="tea",
    count=3,
)
REFUSED = Refused(
    id=UUID(int=2),
    received_at=UTC_NOON,
    shop="tea",
    source="site",
    door="kafka",
    reason="missing",
    detail="It has no currency.",
    place=None,
    correlation="r-2",
    resent_at=UTC_NOON,
    outcome="missing-id",
    message="<b>",
)


def aside(lang: str) -> str:
    page = Aside(lang)
    return page.erasing(ERASING) + page.read(READ) + page.refused(REFUSED)


def test_what_is_told_beside_the_facts_is_told_in_the_readers_language() -> None:
    english, chinese = aside("en"), aside("zh")
    for said in ("a legal hold", "asked by", "the customer", "admin, privacy officer", "It has no"):
        assert said in english
    for said in (
        "依法保留",
        "申请人",
        "客户",
        "管理员、隐私专员",
        "缺少必需的内容",
        "没有用户编号",
    ):
        assert said in chinese
    named = re.findall("<dt>(.*?)</dt>", chinese)
    assert named
    assert not [name for name in named if name.isascii()]
    for page in (english, chinese):
        assert "root · " in page
        assert "<b>" not in page
