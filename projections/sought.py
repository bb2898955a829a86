"""Whom of many a message names: all that they are known by is looked for at once."""

import re
from collections.abc import Collection, Iterator, Mapping
from string import ascii_lowercase, digits
from typing import Final, TypeVar
from uuid import UUID

from domain.shared.ids import Ids
from domain.shared.naming import identities_named
from projections.marks import Marks
from projections.spelling import DIGITS, numbers_in, spellings

W = TypeVar("W", str, UUID)
Whose = dict[W, set[UUID]]
"""Of whom each of what is looked for is."""

_LETTERS: Final = frozenset(ascii_lowercase + digits)
_GOES_ON: Final = re.compile("[.-]?[a-z0-9]")
_NOBODY: Final[set[UUID]] = set()


class Sought:
    """What people are known by, each with their shop.

    Ids and words name them in that shop, addresses and numbers in every shop. To look takes as long
    for a thousand of them as for one.
    """

    def __init__(self, ids: Ids, people: Mapping[UUID, tuple[str, Marks]]) -> None:
        marks = {one: known for one, (_, known) in people.items()}
        self._ids = ids
        self.shops = frozenset(shop for shop, _ in people.values())
        self._identities = _whose({one: known.identities for one, known in marks.items()})
        self._addresses = _Addresses(_whose({it: known.addresses for it, known in marks.items()}))
        self._numbers = _Numbers(_whose({one: known.numbers for one, known in marks.items()}))
        self._words = {
            shop: _Words(words)
            for shop in self.shops
            if (words := _whose({it: k.words for it, (its, k) in people.items() if its == shop}))
        }
        self.are_everywhere = any(known.are_everywhere for known in marks.values())

    def named(self, message: bytes, shop: str) -> set[UUID]:
        """Return whom a message names that came from a shop."""
        found: set[UUID] = set()
        if shop in self.shops:
            for identity in identities_named(message, self._ids, shop):
                found |= self._identities.get(identity, _NOBODY)
        words = self._words.get(shop)
        if self.are_everywhere or words is not None:
            for text in spellings(message):
                found |= self._addresses.named(text) | self._numbers.named(text)
                if words is not None:
                    found |= words.named(text)
        return found


class _Words:
    """Words that are looked for as they stand."""

    def __init__(self, whose: Whose[str]) -> None:
        self._whose = whose
        self._any = re.compile("|".join(map(re.escape, sorted(whose))))

    def named(self, text: str) -> set[UUID]:
        if self._any.search(text) is None:
            return _NOBODY
        return _all(whom for word, whom in self._whose.items() if word in text)


class _Addresses:
    """Addresses, which may not be a part of another one: by their domains, then what is before."""

    def __init__(self, whose: Whose[str]) -> None:
        self._domains: dict[str, Whose[str]] = {}
        for address, whom in whose.items():
            before, _, domain = address.rpartition("@")
            self._domains.setdefault(domain, {})[before] = whom
        self._lengths = sorted({len(domain) for domain in self._domains})
        self._before = {
            domain: sorted({len(before) for before in known})
            for domain, known in self._domains.items()
        }

    def named(self, text: str) -> set[UUID]:
        return _all(self._found(text)) if self._domains else _NOBODY

    def _found(self, text: str) -> Iterator[set[UUID]]:
        at = text.find("@")
        while at >= 0:
            for length in self._lengths:
                end = at + 1 + length
                domain = text[at + 1 : end]
                if domain in self._domains and _GOES_ON.match(text, end) is None:
                    known = self._domains[domain]
                    for start in (at - long for long in self._before[domain] if long <= at):
                        if start == 0 or text[start - 1] not in _LETTERS:
                            yield known.get(text[start:at], _NOBODY)
            at = text.find("@", at + 1)


class _Numbers:
    """Numbers, with their country or without: by their first digits, and by their last."""

    def __init__(self, whose: Whose[str]) -> None:
        self._whose = whose
        self._heads: dict[str, list[str]] = {}
        self._tails: dict[str, list[str]] = {}
        for number in whose:
            self._heads.setdefault(number[:DIGITS], []).append(number)
            self._tails.setdefault(number[-DIGITS:], []).append(number)

    def named(self, text: str) -> set[UUID]:
        return _all(self._found(text)) if self._whose else _NOBODY

    def _found(self, text: str) -> Iterator[set[UUID]]:
        for said in numbers_in(text):
            for number in self._tails.get(said[-DIGITS:], ()):
                if number.endswith(said):
                    yield self._whose[number]
            for start in range(len(said) - DIGITS + 1):
                for number in self._heads.get(said[start : start + DIGITS], ()):
                    if said.startswith(number, start):
                        yield self._whose[number]


def _whose(known: Mapping[UUID, Collection[W]]) -> Whose[W]:
    whose: Whose[W] = {}
    for one, marks in known.items():
        for mark in marks:
            whose.setdefault(mark, set()).add(one)
    return whose


def _all(found: Iterator[set[UUID]]) -> set[UUID]:
    return set().union(*found)
