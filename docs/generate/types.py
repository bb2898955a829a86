"""Types in words, and the values and lists that they are made of."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from docs.generate.markdown import code
from domain.shared.personal import is_personal, plain_type

_WORDS: Final[dict[Any, str]] = {
    str: "text",
    int: "whole number",
    bool: "yes or no",
    float: "number",
    bytes: "base64",
    Decimal: "decimal, as text",
    UUID: "UUID",
    datetime: "instant",
    Any: "anything",
}


class Field(msgspec.Struct, frozen=True):
    """A field of a fact or value, as the reference tells it."""

    name: str
    type: str
    default: str
    personal: bool


def fields_of(cls: type[msgspec.Struct]) -> Iterator[Field]:
    """Yield the fields of a struct in their order."""
    hints = get_type_hints(cls, include_extras=True)
    for field in msgspec.structs.fields(cls):
        hint = hints[field.name]
        personal = is_personal(hint)
        told = words(plain_type(hint) if personal else hint)
        yield Field(field.name, told, _default(field), personal)


def words(hint: Any) -> str:
    """Return what a type is called."""
    if hint in _WORDS:
        return _WORDS[hint]
    origin, args = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return " or ".join(words(arg) for arg in args if arg is not type(None))
    if origin in {tuple, list}:
        return f"list of {words(args[0])}"
    if origin is dict:
        return "object"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    return f"[{hint.__name__}](#{hint.__name__.lower()})"


def parts_of(cls: type[msgspec.Struct]) -> Iterator[type[Any]]:
    """Yield the values and lists of words that a struct's fields are made of."""
    for hint in get_type_hints(cls, include_extras=True).values():
        yield from _parts(plain_type(hint) if is_personal(hint) else hint)


def _parts(hint: Any) -> Iterator[type[Any]]:
    for arg in get_args(hint):
        yield from _parts(arg)
    if isinstance(hint, type) and issubclass(hint, Enum):
        yield hint
    elif isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
        yield from parts_of(hint)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    if field.default_factory is not msgspec.NODEFAULT:
        return "none"
    value = field.default
    if value in (None, (), {}) or isinstance(value, msgspec.Struct):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return code(value)
