"""What a message of somebody's is known by, in the words and under the ids that they have."""

from collections.abc import Collection, Iterable
from typing import Final
from uuid import UUID

import msgspec

from domain.customer.events import Person
from domain.shared.events import Fact
from projections.spelling import address, number, small

_SHORTEST: Final = 6
"""Characters of an address or number that is looked for as it stands."""


class Marks(msgspec.Struct, frozen=True):
    """What a message of somebody's is known by: their identities, addresses and numbers.

    `words` are looked for as they were written, in their own shop alone.
    """

    identities: frozenset[UUID]
    words: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()

    @property
    def are_everywhere(self) -> bool:
        """Whether they name one person in every shop."""
        return bool(self.addresses or self.numbers)


def marks_of(identities: Collection[UUID], facts: Iterable[Fact]) -> Marks:
    """Return what somebody is known by, as far as their facts still open."""
    people = [
        person
        for fact in facts
        if isinstance(person := getattr(fact.event, "person", None), Person)
    ]
    emails = {person.email for person in people if person.email}
    phones = {person.phone for person in people if person.phone}
    words = {small(phone.strip()) for phone in phones}
    words |= {small(email.strip()) for email in emails if address(email) is None}
    return Marks(
        frozenset(identities),
        words=frozenset(word for word in words if len(word) >= _SHORTEST),
        addresses=frozenset(it for email in emails if (it := _long(address(email)))),
        numbers=frozenset(it for phone in phones if (it := number(phone))),
    )


def _long(word: str | None) -> str | None:
    return word if word is not None and len(word) >= _SHORTEST else None
