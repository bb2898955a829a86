"""Amounts, codes and texts read from what a shop sent, under any of their usual names."""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

from commands.shop.clear import is_plain
from commands.shop.refusals import (
    HugeAmount,
    Missing,
    NegativeAmount,
    NotACurrency,
    NotANumber,
    WrongType,
)
from domain.shared.money import LARGEST, UnknownCurrency
from domain.shared.money import currency as known_currency

_NUMBER: Final = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?")
_NOT_NUMBERS: Final = frozenset({"nan", "inf", "infinity"})
_PLACES: Final = 8
_NO_TEXT: Final = (bool, float, list, dict, Decimal)
_FINEST: Final = Decimal(1).scaleb(-_PLACES)


@cache
def camel(name: str) -> str:
    """Return a name of ours (snake_case) as others spell it (camelCase)."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def pick(said: Mapping[str, Any], *names: str) -> Any:
    """Return the first of these that is there and not null; names in snake_case or camelCase."""
    for spelling in _spellings(names):
        value = said.get(spelling)
        if value is not None:
            return value
    return None


@cache
def _spellings(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names in the order in which they are looked for, each spelling once."""
    return tuple(dict.fromkeys(spelling for name in names for spelling in (name, camel(name))))


def amount(said: Mapping[str, Any], *names: str) -> Decimal | None:
    """Return an amount or a quantity: exact, at most 8 decimals (what is finer is rounded).

    Raises WrongType, NotANumber, NegativeAmount, HugeAmount.
    """
    value = pick(said, *names)
    if value is None or value == "":
        return None
    what = names[0]
    number = _number(value, what)
    if not number.is_finite():
        raise NotANumber
    if number < 0:
        raise NegativeAmount(what=what)
    return bounded(what, number)


def bounded(what: str, number: Decimal) -> Decimal:
    """Return an amount that was said or worked out, at most 8 decimals. Raises HugeAmount."""
    if number > LARGEST:
        raise HugeAmount(what=what)
    return _tidy(number)


def _number(value: Any, what: str) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str):
        text = value.strip()
        if text.lower().lstrip("+-") in _NOT_NUMBERS:
            raise NotANumber
        if _NUMBER.fullmatch(text):
            return Decimal(text)
    raise WrongType(why=f"{what} is not a number")


def _tidy(number: Decimal) -> Decimal:
    """Write a number without an exponent, and without the dust of binary fractions."""
    text = str(number)
    point = text.find(".")
    if "E" not in text and (point < 0 or len(text) - point - 1 <= _PLACES):
        return number
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    if -_PLACES <= exponent <= 0:
        return number
    return Decimal(f"{number.quantize(_FINEST):f}".rstrip("0").rstrip("."))


def code(said: Mapping[str, Any], *names: str) -> str | None:
    """Return a code or a short plain text, None when there is none or it is not plain."""
    value = pick(said, *names)
    if value is None:
        return None
    if isinstance(value, _NO_TEXT):
        raise WrongType(why=f"{names[0]} is not a text")
    text = str(value).strip()
    return text if text and is_plain(text) else None


def needed_code(said: Mapping[str, Any], *names: str) -> str:
    """Return a code. Raises Missing, or WrongType where it is no code."""
    found = code(said, *names)
    if found is None:
        if str(pick(said, *names) or "").strip() == "":
            raise Missing(what=names[0])
        raise WrongType(why=f"{names[0]} is not a short code")
    return found


def currency(said: Mapping[str, Any], default: str) -> str:
    """Return the currency that is named, or the shop's. Raises NotACurrency."""
    value = pick(said, "currency")
    if value is None or value == "":
        return default
    if not isinstance(value, str):
        raise WrongType(why="currency is not a text")
    try:
        return known_currency(value)
    except UnknownCurrency as error:
        raise NotACurrency from error
