"""How the shops' door refuses a request as a whole; what is wrong with one event is its result."""

from typing import Final

from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from starlette.responses import Response
from starlette.types import Scope

from api.bodies import BodyBroken, BodyTooLarge, BodyTooSlow, UnknownEncoding, UnknownMedia
from api.errors import MissingScope, NoKey, TooOften, WrongKey, problem, slug_of, title_of
from api.shares import Busy
from commands.shop import NotTaken
from domain.shared.log import LogFull, LogLost, LogUnavailable
from domain.shared.refusals import Refused

SHARED: Final = {"access-control-allow-origin": "*"}

TURNED_AWAY: Final = (Refused, OperationalError, PoolTimeout, TimeoutError)
"""What a request fails by."""


class NoSuchDoor(Refused):
    """Messages go to /v1/identify, track, page, screen, group, alias or batch."""


STATUS: Final[dict[type[Exception], int]] = {
    NotTaken: 400,
    BodyTooLarge: 400,
    BodyBroken: 400,
    BodyTooSlow: 408,
    UnknownMedia: 415,
    UnknownEncoding: 415,
    NoKey: 401,
    WrongKey: 401,
    MissingScope: 403,
    NoSuchDoor: 404,
    Busy: 429,
    TooOften: 429,
    LogFull: 507,
    LogUnavailable: 503,
}
_LATER: Final = frozenset({429, 503, 507})


def turn_away(error: Exception, scope: Scope) -> Response:
    """Say it over HTTP; `code` and `message` are what Segment's SDKs read."""
    refused = _refusal_of(error)
    code = refused.code if isinstance(refused, NotTaken) else slug_of(type(refused))
    scope["refusal"] = code
    status = next(STATUS[kind] for kind in type(refused).__mro__ if kind in STATUS)
    return problem(
        scope,
        status=status,
        title=title_of(type(refused)),
        detail=str(refused),
        slug=code,
        about={"code": code, "message": str(refused)},
        headers={**SHARED, "Retry-After": str(refused.about.get("seconds", 1))}
        if status in _LATER
        else SHARED,
    )


def _refusal_of(error: Exception) -> Refused:
    if isinstance(error, Refused):
        return error
    if isinstance(error, TimeoutError):  # it stands in the line, and may be recorded yet
        return LogLost()
    return LogUnavailable()
