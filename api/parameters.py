"""Parameters that many routes take."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from operator import itemgetter
from typing import Annotated, Any, Final, get_args, get_origin
from uuid import UUID

from fastapi import Depends, Path, Query
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import AfterValidator
from starlette.requests import Request

from domain.shared.ids import Ids
from domain.shared.refusals import Malformed

_LAST_YEAR: Final = 9000
DERIVED: Final = "derived"
"""Where a request keeps what was derived of a shop's own ids: of which kind and shop, not which."""
FARTHEST: Final = 2**62
"""No position is beyond it."""


def _in_utc(value: datetime) -> datetime:
    if not 1 < value.year < _LAST_YEAR:
        raise ValueError("year out of range")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Language(StrEnum):
    """A language that people are told in."""

    ENGLISH = "en"
    CHINESE = "zh"


_TAG: Final = re.compile(
    r"([a-z]+)(?:-[a-z0-9-]+)?(?:\s*;\s*q=([01](?:\.\d{0,3})?))?", re.IGNORECASE
)


async def _readers_language(
    request: Request,
    lang: Annotated[
        Language | None,
        Query(description="The language of the page; not given: as `Accept-Language` says."),
    ] = None,
) -> Language:
    """Return the language of a page (RFC 9110, 12.5.4); English where they read none of ours."""
    if lang is not None:
        return lang
    asked = request.headers.get("accept-language", "")
    weighed = [(float(q or 1), tag.lower()) for tag, q in _TAG.findall(asked)]
    known = [(q, tag) for q, tag in weighed if q > 0 and tag in set(Language)]
    return Language(max(known, key=itemgetter(0))[1]) if known else Language.ENGLISH


ReadersLanguage = Annotated[Language, Depends(_readers_language)]

Instant = Annotated[datetime, AfterValidator(_in_utc)]
"""An instant; without an offset it is in UTC."""


def _named(kind: str, derive: Callable[[Ids, str, str], UUID], what: str, hint: str = "") -> Any:
    """Make a dependency that reads an id of a path: a UUID, or the shop's own id after its kind."""

    async def read(request: Request, id: str) -> UUID:
        """Return the id. Raises Malformed."""
        return _identity(request, id, kind, derive, "path/id", hint)

    described = Path(description=f"{what}: its UUID, or `{kind}:` and the shop's own id.")
    read.__annotations__["id"] = Annotated[str, described]
    return Depends(read)


def _identity(  # which id, of what, where it stands
    request: Request,
    id: str,
    kind: str,
    derive: Callable[[Ids, str, str], UUID],
    field: str,
    hint: str,
) -> UUID:
    """Return a UUID, or what a shop's own id after its kind stands for. Raises Malformed."""
    mark, _, name = id.partition(":")
    if mark == kind and name:
        shop = request.scope["key"].shop
        derived = derive(request.app.state.ids, shop, name)
        request.scope.setdefault(DERIVED, {})[derived] = f"{kind}:... of the shop {shop}"
        return derived
    try:
        return UUID(id)
    except ValueError:
        raise Malformed(field=field, why=f"is neither a UUID nor {kind}:...{hint}") from None


_OTHERS: Final = "; by e-mail address or phone number: POST /api/customers/look-up"
_ASKED: Final = "Whose data, by UUID or `user:` and the shop's own id."
_MAY_BE: Final = "Exports and refused events are told too: they may be theirs."


async def _customer_asked(
    request: Request,
    customer: Annotated[str | None, Query(description=f"{_ASKED} {_MAY_BE}")] = None,
) -> UUID | None:
    if customer is None:
        return None
    return _identity(request, customer, "user", Ids.user, "query/customer", _OTHERS)


CustomerAsked = Annotated[UUID | None, Depends(_customer_asked)]
CustomerId = Annotated[UUID, _named("user", Ids.user, "The customer", _OTHERS)]
OrderId = Annotated[UUID, _named("number", Ids.order, "The order")]
TicketId = Annotated[UUID, _named("number", Ids.ticket, "The ticket")]
CampaignId = Annotated[UUID, _named("code", Ids.campaign, "The campaign")]


_PROGRAM: Final = re.compile(r"(?:system|process):(.+)")


def _actor(given: str) -> str:
    """Return an actor's id as it is recorded. Raises ValueError."""
    if program := _PROGRAM.fullmatch(given):
        return program[1]
    try:
        return str(UUID(given))
    except ValueError:
        why = "is no key's id (`huike keys list` tells it), nor system:... or process:..."
        raise ValueError(why) from None


ActorId = Annotated[str, AfterValidator(_actor)]
"""Who did it: the id of a key or a person, or `system:`, `process:` and a program's name.

What nobody can be called is refused: that nothing is found must mean that nothing was done.
"""


_taken: Final[dict[Callable[..., Any], Mapping[str, bool]]] = {}


async def nothing_unknown(request: Request) -> None:
    """Refuse a parameter that the route does not take: what it asks for would not be answered.

    Nor is one taken twice: who stands before us may have read the other.

    Raises Malformed.
    """
    if not request.scope["query_string"]:
        return
    route: APIRoute = request.scope["route"]
    known = _taken.get(route.endpoint)
    if known is None:
        known = _taken[route.endpoint] = dict(_asked_by(route.dependant))
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            why = f"is not taken here; {', '.join(sorted(known)) or 'nothing'} is"
            raise Malformed(field=f"query/{name}", why=why)
        if name in seen and not known[name]:
            raise Malformed(field=f"query/{name}", why="is given twice")
        seen.add(name)


def _asked_by(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Yield what is asked for, and whether it may be given more than once."""
    for parameter in dependant.query_params:
        kind = parameter.field_info.annotation
        yield parameter.alias, list in {get_origin(one) for one in (kind, *get_args(kind))}
    for inner in dependant.dependencies:
        yield from _asked_by(inner)


KNOWN_ALONE: Final = Depends(nothing_unknown)
