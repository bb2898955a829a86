"""Facts told in words, in the languages of people who read them."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from projections.words.en import ENGLISH
from projections.words.language import Language
from projections.words.zh import CHINESE

LANGUAGES: Final[Mapping[str, Language]] = {"en": ENGLISH, "zh": CHINESE}

_WITHOUT_CENTS: Final = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "XAF")
)
_MOST_DIGITS: Final = 40
"""Before the point, or after it: `1e999999999` would be a gigabyte of zeros."""

_AMOUNTS: Final = ("amount", "total", "price", "value")
_PART: Final = re.compile(r"\[([^\[\]]*)\]|\{(\w+)\}")
_PLACE: Final = re.compile(r"\{(\w+)\}")


def tell(kind: str, about: Mapping[str, Any], lang: str = "en") -> str:
    """Return one fact as a sentence, in English where `lang` is not known.

    `kind` is its stored name, `about` what is known of it: a part of the sentence whose values are
    not known is left out. A fact without a sentence is told by its name.
    """
    language = LANGUAGES.get(lang, ENGLISH)
    template = language.sentences.get(kind)
    if kind == "activity.tracked":
        template = language.behaviour.get(str(about.get("name")), template)
    if template is None:
        return kind.partition(".")[2].replace("-", " ") or kind
    values = _readable(about, language)

    def filled(found: re.Match[str]) -> str:
        optional, place = found.groups()
        if place is not None:
            return values.get(place, language.unknown)
        if any(name not in values for name in _PLACE.findall(optional)):
            return ""
        return _PLACE.sub(lambda inner: values[inner[1]], optional)

    return _PART.sub(filled, template).strip()


def word(name: str, value: Any, lang: str = "en") -> str:
    """Return a value as it is said, by the name of what it is; itself where no word is known."""
    return _word(name, value, LANGUAGES.get(lang, ENGLISH))


def label(name: str, lang: str = "en") -> str:
    """Return what people call a value, by its name in rows and answers."""
    return LANGUAGES.get(lang, ENGLISH).labels.get(name) or name.replace("_", " ")


def money(amount: str | Decimal, currency: str) -> str:
    """Return an amount with its currency: `67.40 EUR`; never fewer digits than were said.

    What is no amount that anybody pays is returned as it was said.
    """
    try:
        value = Decimal(amount)
    except InvalidOperation:
        return f"{amount} {currency}"
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or max(value.adjusted(), -exponent) > _MOST_DIGITS:
        return f"{amount} {currency}"
    least = 0 if currency in _WITHOUT_CENTS else 2
    return f"{value:,.{max(least, -exponent)}f} {currency}"


def _readable(about: Mapping[str, Any], language: Language) -> dict[str, str]:
    """Return values as they are put into sentences: codes in words, money with its currency."""
    currency = about.get("currency")
    values: dict[str, str] = {}
    for name, value in about.items():
        if isinstance(value, list | tuple):
            text = language.comma.join(_word(name, each, language) for each in value)
        elif name in _AMOUNTS and isinstance(currency, str):
            text = money(str(value), currency)
        elif value is None or isinstance(value, Mapping):
            continue
        else:
            text = _word(name, value, language)
        if text:
            values[name] = text
    return values


def _word(name: str, value: Any, language: Language) -> str:
    code = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    word = language.words.get(f"{name}.{code}") or language.words.get(f"{name}.*")
    return word.replace("*", code) if word else code
