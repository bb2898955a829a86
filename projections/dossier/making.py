"""Making a dossier: what is known at one position, and the story that belongs to it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from domain.shared.events import Fact
from domain.shared.log import Reader
from domain.shared.refusals import NotFound
from projections.dossier.known import Gathering, Known, in_order
from projections.dossier.lines import SECTIONS, Line, Teller
from projections.runtime.replay import Blind

Find = Callable[[Sequence[UUID], Sequence[str] | None, int], Iterable[Fact]]
"""Gives the facts of identities, of some types (None: of all), up to a position, in order."""


class Dossier:
    """What one customer is told: `known`, and the facts of each section by `story`."""

    def __init__(  # noqa: PLR0913  # whose, of what, in which words
        self,
        customer: UUID,
        reader: Reader,
        find: Find,
        *,
        at: datetime,
        language: str,
        names: Mapping[str, str],
        blind: Blind,
    ) -> None:
        """Gather what is known. Raises NotFound where nothing is known of the customer."""
        self._find = find
        self._upto = reader.head().position
        self.customer = reader.customer_of(customer, at=self._upto)
        self.origins = tuple(reader.origins_of(self.customer, at=self._upto))
        self._teller = Teller(language, names)
        gathering = Gathering(self.customer, self._teller, blind)
        for fact in in_order(
            find(self.origins, None, self._upto), reader.of_nobody(upto=self._upto)
        ):
            gathering.heed(fact)
        self.known: Known = gathering.known(
            self.origins,
            at=at,
            upto=self._upto,
            find=lambda position: reader.read(position - 1, 1)[0],
        )
        if not any(identity.facts for identity in self.known.identities):
            raise NotFound(what="customer", id=customer)

    def story(self, section: str) -> Iterable[Line]:
        """Yield the facts of a section, in order."""
        return map(self._teller.tell, self._find(self.origins, SECTIONS[section], self._upto))
