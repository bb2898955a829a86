"""Whom a message names: the identities of every id in it, in whatever spelling of JSON."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote_plus
from uuid import UUID

import msgspec

from domain.shared.ids import Ids

_USERS: Final = frozenset({"userid", "customerid", "subject"})
_OTHERS: Final = frozenset({"anonymousid", "previousid", "visitorid"})
"""What shops put a visitor's id into, or a user's."""
_IDS: Final = _USERS | _OTHERS
_PERSONS: Final = _USERS | {"traits", "user", "customer"}
"""Members whose own `id` is a person's: a product has one too."""

_MEMBER: Final = "(?:user|customer|anonymous|previous|visitor)_?id"
_SAID: Final = re.compile(
    rf'"({_MEMBER}|subject)"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)',
    re.IGNORECASE,
)
_ASKED: Final = re.compile(rf"[?&;#]({_MEMBER})=([^&;#\s\"\\]+)", re.IGNORECASE)
"""As the query of a URL says it."""
_ESCAPED: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CONTROLS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def identities_named(message: bytes, ids: Ids, shop: str) -> set[UUID]:
    """Return the identities of all ids of users and visitors that stand in a message.

    Also in what is no JSON, as far as its ids are written as JSON writes them.
    """
    text = message.decode(errors="replace")
    named = set(_walked(_read(message, text)))
    for spelled in {text, unescaped(text)}:
        named |= {(_plain(kind), _said(value)) for kind, value in _SAID.findall(spelled)}
        named |= {(_plain(kind), unquote_plus(value)) for kind, value in _ASKED.findall(spelled)}
    found: set[UUID] = set()
    for kind, value in named:
        for id_ in {value, value.strip()}:
            if not id_ or not _is_text(id_):
                continue
            found.add(ids.user(shop, id_))
            if kind in _OTHERS:
                found.add(ids.anonymous(shop, id_))
    return found


def unescaped(text: str) -> str:
    r"""Return a text without the escapes of JSON: `ada\u0040example.com` is an address."""
    return _ESCAPED.sub(_meant, text) if "\\" in text else text


def _meant(escape: re.Match[str]) -> str:
    code, letter = escape.groups()
    return chr(int(code, 16)) if code else _CONTROLS.get(letter, letter)


def _read(message: bytes, text: str) -> Any:
    """Read a message as JSON, also with NaN and half characters; None where it is none."""
    try:
        return msgspec.json.decode(message)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _walked(value: Any) -> Iterator[tuple[str, str]]:
    """Yield each id with the member that it is, or is under; the message bounds how many."""
    todo: list[tuple[str, Any]] = [("", value)]
    while todo:
        kind, part = todo.pop()
        if isinstance(part, dict):
            for name, below in part.items():
                plain = _plain(name)
                todo.append(("userid" if plain == "id" and kind in _PERSONS else plain, below))
        elif isinstance(part, list):
            todo += [(kind, one) for one in part]
        elif kind in _IDS and isinstance(part, str | int) and not isinstance(part, bool):
            yield kind, str(part)


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def _said(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value, strict=False))
    except ValueError:
        return value.strip('"')


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
