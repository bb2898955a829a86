"""Values of a dossier as its page shows them: by names and in words that people use."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any, Final
from uuid import UUID

import msgspec

from domain.shared.personal import ERASED
from projections.dossier.words import WORDINGS, named, said
from projections.page import moment
from projections.words import LANGUAGES, money

HIDDEN: Final = frozenset({"content", "masked", "erased"})
"""Values that say nothing to the person: a digest, and how the record itself is shown."""

_AROUND: Final = frozenset({"person", "private", "traits", "properties", "context"})
"""What holds other values, and says nothing of them."""

_AMOUNTS: Final = frozenset(
    {
        *("amount", "average", "discount", "net", "paid", "price", "refunded", "revenue"),
        *("shipping", "subtotal", "tax", "total", "unit_price", "value"),
    }
)
_CURRENCY: Final = "currency"
_PERSON: Final = "person"
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32,}")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z")

_Path = tuple[str, ...]


class Values:
    """Writes values as HTML, in one language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._words = WORDINGS[language]
        self._comma = LANGUAGES[language].comma

    def list(self, values: Mapping[str, Any]) -> str:
        """Return names and values one below the other."""
        return self._pairs("pairs", values)

    def beside(self, values: Mapping[str, Any]) -> str:
        """Return names and values one beside the other, for what there is much of."""
        return self._pairs("beside", values)

    def _pairs(self, style: str, values: Mapping[str, Any]) -> str:
        pairs = "".join(
            f"<div><dt>{escape(self._name(path))}</dt><dd>{self._told(path, value)}</dd></div>"
            for path, value in _flat(values)
        )
        return f'<dl class="{style}">{pairs}</dl>' if pairs else ""

    def _name(self, path: _Path) -> str:
        *around, last = path
        names = [name for name in around if name not in _AROUND]
        if last == "name" and (names or {"properties", "traits"} & {*around}):
            last = "thing"  # it is not a person's
        return " · ".join(named(name, self._language) for name in (*names, last))

    def _told(self, path: _Path, value: Any) -> str:
        if path[0] == _PERSON and value == "":
            return escape(self._words.taken_back)
        return self._value(path[-1], value)

    def _value(self, name: str, value: Any) -> str:
        if isinstance(value, tuple):
            return self._comma.join(self._value(name, one) for one in value)
        if value is ERASED or value == ERASED.value:
            return f'<span class="gone">{escape(self._words.erased)}</span>'
        if isinstance(value, datetime):
            return moment(value, self._language)
        if isinstance(value, UUID) or (isinstance(value, str) and _ID.fullmatch(value)):
            return f'<span class="id">{value}</span>'
        if isinstance(value, str) and (at := _instant(value)):
            return moment(at, self._language)
        return escape(said(name, value, self._language))


def _flat(value: Any, path: _Path = ()) -> Iterator[tuple[_Path, Any]]:
    """Yield what is known, each with the names that lead to it; plain lists are tuples."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, Mapping):
        for name, inner in _priced(value).items():
            if inner is not None and name not in HIDDEN:
                yield from _flat(inner, (*path, str(name)))
    elif isinstance(value, list | tuple | frozenset):
        if any(isinstance(one, Mapping | msgspec.Struct | list | tuple) for one in value):
            for number, inner in enumerate(value, 1):
                yield from _flat(inner, (*path, str(number)))
        elif value:
            yield path, tuple(value)
    else:
        yield path, value


def _priced(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return values with the amounts among them said in the currency that stands beside them."""
    currency = values.get(_CURRENCY)
    amounts = {
        name: money(str(value), currency)
        for name, value in values.items()
        if name in _AMOUNTS
        and isinstance(currency, str)
        and isinstance(value, str | int | float | Decimal)
        and value != ERASED.value
    }
    return {**{k: v for k, v in values.items() if not amounts or k != _CURRENCY}, **amounts}


def _instant(text: str) -> datetime | None:
    if not _INSTANT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # no such day
        return None
