"""What stays in the clear is on one list, and is nothing that is not on it."""

from collections.abc import Iterator
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from api.erasure_pages import WORDS
from api.parameters import Language
from api.staying import STAYS
from commands.shop import clear
from domain.shared.events import FACTS, Event, Fact
from domain.shared.personal import is_personal

TEXTS = (str, Any)


def paths_of_text(hint: Any, path: str) -> Iterator[str]:
    """Yield where a type may hold a text that somebody wrote, unless it is sealed."""
    origin = get_origin(hint)
    if is_personal(hint):
        return
    if hint in TEXTS or origin is dict:
        yield path
    elif origin in {Union, UnionType, tuple, Annotated}:
        for part in get_args(hint):
            yield from paths_of_text(part, path)
    elif isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield from paths_of_struct(hint, path)


def paths_of_struct(struct: type[msgspec.Struct], path: str) -> Iterator[str]:
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        if not (
            isinstance(hints[field.name], type) and issubclass(hints[field.name], Event | Enum)
        ):
            yield from paths_of_text(hints[field.name], f"{path}.{field.name}")


def names_let_through() -> Iterator[str]:
    """Yield what a shop may send that is not sealed, in snake_case."""
    yield from snakes(clear.WORDS | clear.PRODUCT | clear.FILTER)
    yield from (f"traits.{name}" for name in snakes(clear.TRAITS))
    yield from (f"group.{name}" for name in snakes(clear.GROUP_TRAITS))
    yield from (f"context.{name}" for name in (*clear.CONTEXT, "ip"))  # cut down to its network
    for part, names in clear.CONTEXT_PARTS.items():
        yield from (f"context.{part}.{name}" for name in names)


def snakes(names: frozenset[str]) -> set[str]:
    return {name for name in names if name == name.lower()}


def test_each_text_of_a_fact_is_sealed_or_on_the_list() -> None:
    found = set(paths_of_struct(Fact, "fact"))
    for name, stored in FACTS.items():
        if not stored.cls.__module__.startswith("tests."):
            found |= set(paths_of_struct(stored.cls, name.partition(".")[0]))
    assert found == {field for line in STAYS for field in line.facts}


def test_each_name_that_a_shop_sends_is_sealed_or_on_the_list() -> None:
    assert set(names_let_through()) == {name for line in STAYS for name in line.told}


def test_the_certificate_says_what_stays_in_both_languages() -> None:
    for lang in Language:
        assert WORDS[lang]["stays"]
    assert all(line.english and line.chinese for line in STAYS)
