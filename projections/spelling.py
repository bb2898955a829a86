"""Addresses and numbers as people and programs spell them: escaped, encoded, with other signs."""

import re
from collections.abc import Iterator
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote

from domain.shared.naming import unescaped
from projections.profile import contact

DIGITS: Final = 9
"""Of so many digits a number is one person's, whether or not its country stands before it."""

_ROUNDS: Final = 3
_NUMBER: Final = re.compile(r"[0-9][0-9\s().+/\u2010-\u2015-]{7,}[0-9]")
_TRUNK: Final = re.compile(r"\(0\)")
_NOT_DIGITS: Final = re.compile(r"[^0-9]+")


def spellings(message: bytes) -> Iterator[str]:
    """Yield what a message says in small letters: as it stands, then with its encodings undone."""
    text = message.decode(errors="replace")
    yield small(text)
    seen = {text}
    for _ in range(_ROUNDS):
        for undo in (unescaped, unquote):
            text = undo(text)
            if text not in seen:
                seen.add(text)
                yield small(text)


def small(text: str) -> str:
    """Return a text in small letters of their usual width."""
    return normalize("NFKC", text).lower()


def address(said: str) -> str | None:
    """Return an e-mail address as it is looked for; None for what is none."""
    found = contact.email(small(said))
    return found if found is not None and "@" in found else None


def number(said: str) -> str | None:
    """Return a phone number's digits as they are looked for; None where they are too few."""
    digits = (contact.phone(small(said)) or "").lstrip("0")
    return digits if len(digits) >= DIGITS else None


def numbers_in(text: str) -> Iterator[str]:
    """Yield the digits of what may be a phone number, or begin or end with one."""
    for found in _NUMBER.findall(text):
        digits = _NOT_DIGITS.sub("", _TRUNK.sub("", found)).lstrip("0")
        if len(digits) >= DIGITS:
            yield digits
