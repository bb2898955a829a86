"""Making a dossier: what is known at one position, the story that belongs to it, what is beside."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.customer.events import TraitsAsserted
from domain.shared.events import Fact
from domain.shared.ids import Ids
from domain.shared.log import Reader
from domain.shared.refusals import NotFound
from projections.dossier.beside import Beside, Erasing, Read, Refused, erasing, read, refused
from projections.dossier.known import Gathering, Known, in_order
from projections.dossier.lines import SECTIONS, Line, Teller
from projections.dossier.theirs import theirs
from projections.marks import marks_of
from projections.runtime.replay import Blind
from projections.sought import Sought

Find = Callable[[Sequence[UUID], Sequence[str] | None, int], Iterable[Fact]]
"""Gives the facts of identities, of some types (None: of all), up to a position, in order."""

_SAY_WHO: Final = (TraitsAsserted.stored.name,)
_AT_ONCE: Final = 50


class Dossier:
    """What one customer is told: `known`, `erasures`, and what there may be much of, as it is read.

    `story` gives the facts of a section, `refused` messages that were not taken and name them,
    `reads` who read their data, `originals` messages as they were sent.
    """

    def __init__(  # noqa: PLR0913  # whose, of what, in which words
        self,
        customer: UUID,
        reader: Reader,
        find: Find,
        beside: Beside,
        *,
        at: datetime,
        language: str,
        names: Mapping[str, str],
        blind: Blind,
        ids: Ids,
    ) -> None:
        """Gather what is known. Raises NotFound where nothing is known of the customer."""
        self._find = find
        self._beside = beside
        self._names = names
        self._upto = reader.head().position
        self.customer = reader.customer_of(customer, at=self._upto)
        self._origins = tuple(reader.origins_of(self.customer, at=self._upto))
        self._teller = Teller(language, names)
        gathering = Gathering(self.customer, self._teller, blind)
        for fact in in_order(
            find(self._origins, None, self._upto), reader.of_nobody(upto=self._upto)
        ):
            gathering.heed(fact)
        self.known: Known = gathering.known(
            self._origins,
            at=at,
            upto=self._upto,
            find=lambda position: reader.read(position - 1, 1)[0],
        )
        if not any(identity.facts for identity in self.known.identities):
            raise NotFound(what="customer", id=customer)
        marks = marks_of(self._origins, find(self._origins, _SAY_WHO, self._upto))
        self._whom = Sought(ids, {self.customer: (gathering.shop, marks)})
        self._refused = beside.refused(gathering.shop, self._whom)
        self.erasures: Sequence[Erasing] = [erasing(it) for it in beside.erasures(self._origins)]

    def story(self, section: str) -> Iterable[Line]:
        """Yield the facts of a section, in order."""
        return map(self._teller.tell, self._find(self._origins, SECTIONS[section], self._upto))

    def refused(self) -> Iterator[Refused]:
        """Yield messages that name them and were not taken, the earliest first."""
        for first in range(0, len(self._refused), _AT_ONCE):
            some = self._refused[first : first + _AT_ONCE]
            said = self._beside.said(some)
            yield from (refused(it, self._theirs(it, said[it.id])) for it in some if it.id in said)

    def _theirs(self, it: Any, message: bytes) -> bytes | None:
        def names_them(part: bytes) -> bool:
            return bool(self._whom.named(part, it.shop))

        return theirs(message, names_them, place=it.place, reason=it.reason)

    def reads(self) -> Iterator[Read]:
        """Yield who read their data, the latest first."""
        named = [it.id for it in self._refused]
        return (read(it, self._names) for it in self._beside.reads(self._origins, named))

    def originals(self) -> Iterable[Any]:
        """Yield messages as they were sent, in order."""
        return self._beside.originals(self._origins, upto=self._upto)
