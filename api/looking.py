"""How one request sees persons, and whom it saw: written down before the answer is given."""

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any, Protocol
from uuid import UUID

import psycopg
from fastapi import Depends, Request
from starlette.types import Scope

from api.access import Sight, basis
from domain.shared.events import Fact, Unreadable
from domain.shared.ids import Ids
from domain.shared.personal import ERASED
from infra.access_log import Access, AccessLog
from infra.event_store import LogReader
from infra.keys import Key
from infra.sealing import PersonKeys
from projections.profile import queries
from projections.profile.answers import Customer

Connection = psycopg.Connection[Any]


class Behind(Protocol):
    """What opens personal data, and where it is written down that it was."""

    @property
    def sealer(self) -> PersonKeys: ...
    @property
    def access(self) -> AccessLog: ...
    @property
    def reader(self) -> LogReader: ...
    @property
    def ids(self) -> Ids: ...


class Look:
    """The eyes of one request."""

    def __init__(self, behind: Behind, scope: Scope, operation: str, sight: Sight) -> None:
        self.sight = sight
        self.key: Key = scope["key"]
        self.seen: set[UUID] = set()
        self._behind = behind
        self._operation = operation
        self._scope = scope
        self._served = False

    @property
    def whole(self) -> PersonKeys | None:
        """What opens everybody; None: masks are shown."""
        return self._behind.sealer if self.sight is Sight.WHOLE else None

    def at(self, connection: Connection, customer: UUID) -> PersonKeys | None:
        """Return what opens a customer, of whom a connection to the views tells who serves them."""
        if self.sight is not Sight.SERVED:
            return self.whole
        if not self._serves(connection, customer):
            return None
        self._served = True
        return self._behind.sealer

    def saw(self, customer: Customer) -> None:
        """Remember whom an answer shows."""
        if customer.person is not None or customer.private:
            self.seen.add(customer.customer)

    def saw_facts(self, facts: Iterable[Fact]) -> None:
        """Remember whom facts show."""
        for fact in facts:
            if shows_somebody(fact):
                self.seen.add(fact.subject or fact.origin or fact.stream)

    def _serves(self, connection: Connection, customer: UUID) -> bool:
        """Tell whether a ticket is theirs, it and the customer being of their key's shop.

        Two shops may have agents of one name.
        """
        shop, behind = self.key.shop, self._behind
        theirs = queries.served(connection, customer, [self.key.name, str(self.key.id)])
        return (
            any(behind.ids.ticket(shop, number) == ticket for ticket, number in theirs)
            and behind.reader.shop_of(customer) == shop
        )

    async def noted(self, **about: Any) -> None:
        """Have it written down, if anybody was seen. Raises AccessNotWritten."""
        if self.seen or about:
            await asyncio.wrap_future(self._behind.access.begin(self._access(about)))

    def note(self, **about: Any) -> None:
        """Do the same from a thread."""
        if self.seen or about:
            self._behind.access.write(self._access(about))

    def _access(self, about: dict[str, Any]) -> Access:
        sight = Sight.SERVED if self._served else self.sight
        given = {"whom": tuple(self.seen), "basis": basis(self.key.roles, self.key.scopes, sight)}
        return Access(
            actor_kind=self.key.actor.kind,
            actor_id=self.key.actor.id,
            operation=self._operation,
            request=self._scope["request_id"],
            shop=self.key.shop,
            **given | about,
        )


def shows_somebody(fact: Fact) -> bool:
    """Tell whether a fact, as it was read, holds opened personal data."""
    event = fact.event
    if isinstance(event, Unreadable):
        return False
    told = (getattr(event, name) for name in event.stored.personal)
    return any(value is not None and value is not ERASED for value in told)


async def _look(request: Request) -> Look:
    scope = request.scope
    behind: Behind = request.app.state.sources
    return Look(behind, scope, scope["operation"], scope["sight"])


TheLook = Annotated[Look, Depends(_look)]
