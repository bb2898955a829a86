"""Who may do what, and how they see the fields that say who a person is: the one table."""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec

from infra.keys import Role, Scope


class Sight(StrEnum):
    """How somebody sees the fields that say who a person is.

    Served: whole of the customers whom they serve, by a ticket that is theirs and not closed.
    """

    MASKED = "masked"
    SERVED = "served"
    WHOLE = "whole"


ADMIN: Final = Role.ADMIN
MARKETER: Final = Role.MARKETER
AGENT: Final = Role.AGENT
SALES: Final = Role.SALES
ANALYST: Final = Role.ANALYST
AUDITOR: Final = Role.AUDITOR
PRIVACY: Final = Role.PRIVACY_OFFICER

SIGHT: Final[Mapping[Role, Sight]] = {
    ADMIN: Sight.MASKED,
    MARKETER: Sight.MASKED,
    AGENT: Sight.SERVED,
    SALES: Sight.MASKED,
    ANALYST: Sight.MASKED,
    AUDITOR: Sight.MASKED,
    PRIVACY: Sight.WHOLE,
}
"""How each role sees persons. The scope `personal` sees them whole, any other scope masked."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """Who may ask for something: who has one of the scopes, or one of the roles.

    `shows`: the fields of its answer that say who somebody is. `many`: it is about many customers,
    so who sees those whom they serve sees masks. `whole`: it is for those alone who see persons
    whole. `reveals`: it shows persons whole to all who may ask, for a reason. `own`: to whom asked
    for it themselves, and to administrators. `anybody`: for every key; `open`: without any.
    """

    scopes: tuple[Scope, ...] = ()
    roles: tuple[Role, ...] = ()
    shows: tuple[str, ...] = ()
    many: bool = False
    whole: bool = False
    reveals: bool = False
    own: bool = False
    anybody: bool = False
    open: bool = False

    @property
    def needed(self) -> tuple[Scope, ...]:
        """The scopes of which one is enough; with `whole`, all are needed."""
        return (*self.scopes, Scope.PERSONAL) if self.whole else self.scopes

    @property
    def allowed(self) -> tuple[Role, ...]:
        """The roles that may."""
        return tuple(role for role in self.roles if not self.whole or SIGHT[role] is Sight.WHOLE)

    def sight(self, roles: tuple[str, ...], scopes: tuple[str, ...]) -> Sight | None:
        """Return how somebody with these sees the answer; None: they may not ask."""
        mine = [role for role in self.roles if role in roles]
        if not (self.anybody or mine or any(scope in scopes for scope in self.scopes)):
            return None
        sights = {SIGHT[role] for role in mine}
        if self.reveals or Scope.PERSONAL in scopes or Sight.WHOLE in sights:
            return Sight.WHOLE
        if self.whole:
            return None
        return Sight.SERVED if Sight.SERVED in sights and not self.many else Sight.MASKED


def _may(scope: Scope, *roles: Role) -> Operation:
    return Operation(scopes=(scope,), roles=roles)


def _sees(operation: Operation, *shows: str, many: bool = False, whole: bool = False) -> Operation:
    return msgspec.structs.replace(operation, shows=shows, many=many, whole=whole)


_ALL: Final = tuple(Role)
_ASKS: Final = _may(Scope.QUERY, *_ALL)
_FINDS: Final = _may(Scope.QUERY, ADMIN, MARKETER, AGENT, SALES, AUDITOR, PRIVACY)
_EXPORTS: Final = _may(Scope.QUERY, ADMIN, MARKETER, ANALYST, PRIVACY)
_KEEPS: Final = _may(Scope.COMMAND, ADMIN, MARKETER, AGENT, SALES)
_CORRECTS: Final = _may(Scope.COMMAND, ADMIN, AGENT, SALES, PRIVACY)
_CONSENTS: Final = _may(Scope.COMMAND, ADMIN, MARKETER, AGENT, SALES, PRIVACY)
_FORGETS: Final = _may(Scope.ADMIN, PRIVACY)
_SELLS: Final = _may(Scope.COMMAND, ADMIN, AGENT, SALES)
_SERVES: Final = _may(Scope.COMMAND, ADMIN, AGENT)
_SENDS: Final = _may(Scope.COMMAND, ADMIN, MARKETER)
_AUDITS: Final = _may(Scope.AUDIT, AUDITOR, PRIVACY)
_VERIFIES: Final = _may(Scope.AUDIT, ADMIN, AUDITOR, PRIVACY)
_LOOKS_AFTER: Final = Operation(scopes=(Scope.AUDIT, Scope.ADMIN), roles=(ADMIN, AUDITOR, PRIVACY))
_OPEN: Final = Operation(open=True)

PERSON: Final = ("name", "email", "phone", "person", "private")
_STORY: Final = ("text", "private")
_FACTS: Final = ("data",)
_MESSAGE: Final = ("message",)

TABLE: Final[dict[str, Operation]] = {
    "POST /v1/{kind}": _may(Scope.INGEST),
    "OPTIONS /v1/{kind}": _OPEN,
    # customers
    "GET /api/customers": _sees(_ASKS, *PERSON, many=True),
    "GET /api/customers/export": _sees(_EXPORTS, *PERSON, many=True),
    "GET /api/customers/by/user/{value}": _sees(_ASKS, *PERSON),
    "GET /api/customers/by/anonymous/{value}": _sees(_ASKS, *PERSON),
    "POST /api/customers/look-up": _sees(_FINDS, *PERSON),
    "GET /api/customers/by/email/{value}": _sees(_FINDS, *PERSON),
    "GET /api/customers/by/phone/{value}": _sees(_FINDS, *PERSON),
    "GET /api/customers/{id}": _sees(_ASKS, *PERSON),
    "GET /api/customers/{id}/campaigns": _ASKS,
    "GET /api/customers/{id}/lifecycle": _ASKS,
    "GET /api/customers/{id}/consents": _sees(_ASKS, "source"),
    "GET /api/customers/{id}/dossier": _sees(
        _AUDITS, *PERSON, *_FACTS, *_MESSAGE, "reason", whole=True
    ),
    "GET /api/customers/{id}/timeline": _sees(_ASKS, *_STORY),
    "GET /api/customers/{id}/why/{field}": _sees(_ASKS, *_FACTS),
    "POST /api/customers/{id}/reveal": Operation(
        scopes=(Scope.PERSONAL,), roles=(ADMIN, AGENT, SALES, PRIVACY), shows=PERSON, reveals=True
    ),
    "POST /api/customers": _KEEPS,
    "PUT /api/customers/{id}/traits": _CORRECTS,
    "PUT /api/customers/{id}/kind": _KEEPS,
    "PUT /api/customers/{id}/consents/{channel}/{purpose}": _CONSENTS,
    "PUT /api/customers/{id}/consents/{channel}/{purpose}/withdrawal": _CONSENTS,
    "PUT /api/customers/{id}/tags/{tag}": _KEEPS,
    "DELETE /api/customers/{id}/tags/{tag}": _KEEPS,
    "POST /api/customers/{id}/notes": _CORRECTS,
    "POST /api/customers/{id}/erasure": _FORGETS,
    "DELETE /api/customers/{id}/erasure": _FORGETS,
    "PUT /api/customers/{id}/legal-hold": _FORGETS,
    "PUT /api/customers/{id}/legal-hold/lifting": _FORGETS,
    # erasures
    "GET /api/erasures": _VERIFIES,
    "GET /api/erasures/{id}": _VERIFIES,
    "GET /api/erasures/{id}/certificate": _VERIFIES,
    "GET /api/erasures/{id}/certificate/page": _VERIFIES,
    "GET /forget-me": _OPEN,
    "POST /forget-me": _OPEN,
    # orders and coupons
    "POST /api/orders": _SELLS,
    "PUT /api/orders/{id}": _SELLS,
    "POST /api/orders/{id}/payments": _SELLS,
    "POST /api/orders/{id}/shipment": _SELLS,
    "POST /api/orders/{id}/delivery": _SELLS,
    "POST /api/orders/{id}/cancellation": _SELLS,
    "POST /api/orders/{id}/refunds": _SELLS,
    "POST /api/coupons/{code}/redemptions": _SELLS,
    # tickets
    "POST /api/tickets": _SELLS,
    "POST /api/tickets/{id}/messages": _SELLS,
    "PUT /api/tickets/{id}/agent": _SERVES,
    "POST /api/tickets/{id}/escalation": _SERVES,
    "POST /api/tickets/{id}/resolution": _SERVES,
    "POST /api/tickets/{id}/reopening": _SERVES,
    "POST /api/tickets/{id}/closing": _SERVES,
    "PUT /api/tickets/{id}/rating": _SELLS,
    # campaigns
    "GET /api/campaigns": _ASKS,
    "GET /api/campaigns/{id}/conversion": _ASKS,
    "POST /api/campaigns": _SENDS,
    "POST /api/campaigns/{id}/launch": _SENDS,
    "POST /api/campaigns/{id}/recipients": _SENDS,
    "POST /api/campaigns/{id}/messages": _SENDS,
    "POST /api/campaigns/{id}/end": _SENDS,
    # lifecycle
    "GET /api/lifecycle": _ASKS,
    "GET /api/lifecycle/moves": _ASKS,
    "GET /api/lifecycle/what-if": _ASKS,
    "PUT /api/lifecycle/policy": _SENDS,
    # audit
    "GET /api/audit/access": _sees(_AUDITS, "reason", many=True),
    "GET /api/audit/facts": _sees(_AUDITS, *_FACTS, many=True),
    "GET /api/audit/facts/export": _sees(_AUDITS, *_FACTS, many=True),
    "GET /api/audit/facts/{position}/original": _sees(_AUDITS, *_MESSAGE, whole=True),
    "GET /api/audit/customers/{id}": _sees(_AUDITS, *_FACTS),
    "GET /api/audit/orders/{id}": _sees(_AUDITS, *_FACTS),
    "GET /api/audit/tickets/{id}": _sees(_AUDITS, *_FACTS),
    "GET /api/audit/campaigns/{id}": _AUDITS,
    "GET /api/audit/campaigns/{id}/recipients/{recipient}": _sees(_AUDITS, *_FACTS),
    "POST /api/audit/verify/{view}": _VERIFIES,
    # running it
    "GET /api/jobs/{id}": Operation(scopes=(Scope.QUERY, Scope.AUDIT), roles=_ALL, own=True),
    "GET /api/refused": _sees(_LOOKS_AFTER, *_MESSAGE, many=True),
    "GET /api/refused/{id}": _sees(_LOOKS_AFTER, *_MESSAGE, many=True),
    "POST /api/refused/{id}/resend": _may(Scope.ADMIN, ADMIN),
    "GET /metrics": _may(Scope.METRICS, ADMIN),
    "GET /openapi.json": Operation(anybody=True),
    "GET /health": _OPEN,
    "GET /ready": _OPEN,
    "GET /favicon.ico": _OPEN,
}
"""Each operation by its method and path. What is not here, nobody may."""

KEYLESS: Final = frozenset(
    name.removeprefix("GET ")
    for name, operation in TABLE.items()
    if operation.open and name.startswith("GET ")
)


@lru_cache(maxsize=10_000)
def rights(roles: tuple[str, ...], scopes: tuple[str, ...]) -> Mapping[str, Sight]:
    """Return the operations that these may ask for, and how each shows them persons."""
    sights = {name: operation.sight(roles, scopes) for name, operation in TABLE.items()}
    return {name: sight for name, sight in sights.items() if sight is not None}


def basis(roles: tuple[str, ...], scopes: tuple[str, ...], sight: Sight) -> str:
    """Say what lets somebody with these see a person so."""
    if sight is Sight.SERVED:
        return "serves them"
    if Scope.PERSONAL in scopes:
        return "scope personal"
    return " ".join(("role", *(role for role in Role if role in roles and SIGHT[role] is sight)))


def anywhere(roles: tuple[str, ...], scopes: tuple[str, ...]) -> bool:
    """Tell whether they reach what is another's: commands another shop, and jobs whoever asked."""
    return Scope.ADMIN in scopes or Role.ADMIN in roles
