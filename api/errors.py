"""The one table from refusal to status, and how errors are told (RFC 9457)."""

import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from psycopg import DataError, OperationalError
from psycopg.errors import UndefinedTable
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope as Connection

from api.bodies import BodyTooSlow
from api.dressing import SAFE
from api.parameters import DERIVED
from api.responses import encode
from domain.shared.log import LogFull, LogUnavailable
from domain.shared.refusals import (
    AccessNotWritten,
    Conflict,
    Malformed,
    NotFound,
    PreconditionFailed,
    Refused,
    UnreadableFact,
)
from infra.sealing import KeyForgotten

PROBLEM: Final = "application/problem+json"


class NoKey(Refused):
    """Show an API key: `Authorization: Bearer hk_...`."""


class WrongKey(Refused):
    """There is no such API key, or it was revoked, or has ended."""


class MissingScope(Refused):
    """The API key has neither the scope {scope} nor a role that may do this."""


class TooOften(Refused):
    """The key may send or ask {per_minute} times a minute; come again in {seconds} s."""


class NotThereYet(Refused):
    """{view} has come to position {position} of {wanted}; ask again in a moment."""


class NotBegun(Refused):
    """No worker has followed the log for {view} yet; ask again in a moment."""


class OtherVersion(Refused):
    """{view} is kept by the rules of version {kept}, this is {version}: `huike rebuild {view}`."""


class UnreadablePath(Refused):
    """The path of this request is not UTF-8."""


class TooLarge(Refused):
    """The body of this request is larger than it may be."""


class Unavailable(Refused):
    """Something that is needed to answer cannot be reached just now; try again in a moment."""


class Forgotten(Refused):
    """Nothing can be recorded of this person any more: the key was destroyed at their request."""


STATUS: Final[dict[type[Refused], int]] = {
    Malformed: 422,
    UnreadablePath: 400,
    BodyTooSlow: 408,
    NoKey: 401,
    WrongKey: 401,
    MissingScope: 403,
    NotFound: 404,
    PreconditionFailed: 412,
    TooLarge: 413,
    TooOften: 429,
    UnreadableFact: 500,
    LogFull: 507,
    LogUnavailable: 503,
    Unavailable: 503,
    AccessNotWritten: 503,
    NotBegun: 503,
    OtherVersion: 503,
    NotThereYet: 504,
    Conflict: 409,
    Refused: 409,
}
"""The nearest ancestor counts."""

_HEADERS: Final[dict[int, Mapping[str, str]]] = {
    401: {"WWW-Authenticate": 'Bearer realm="huike"'},
    408: {"Connection": "close"},  # the rest of the body is not waited for
    503: {"Retry-After": "1"},
    504: {"Retry-After": "1"},
    507: {"Retry-After": "10"},
}
_TITLES: Final = {
    404: "Not found",
    405: "Method not allowed",
    413: "Too large",
    415: "Unsupported media type",
    500: "Something broke here",
}

log = structlog.get_logger("api")


def status_of(refusal: type[Refused]) -> int:
    return next(STATUS[kind] for kind in refusal.__mro__ if kind in STATUS)


def title_of(kind: type[Refused]) -> str:
    """Return the refusal's name in words: ErasedCustomer is "Erased customer"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=A)(?=[A-Z])", " ", kind.__name__).capitalize()


def slug_of(kind: type[Refused]) -> str:
    """Return the refusal's name for machines: ErasedCustomer is erased-customer."""
    return title_of(kind).lower().replace(" ", "-")


def problem_of(refusal: Refused, connection: Connection) -> Response:
    """Say a refusal over HTTP."""
    title = title_of(type(refusal))
    about: dict[str, Any] = {k: v for k, v in refusal.about.items() if k not in _RESERVED}
    if isinstance(refusal, Malformed):
        about = {"errors": [{"pointer": refusal.about["field"], "detail": refusal.about["why"]}]}
    return problem(
        connection,
        status=status_of(type(refusal)),
        title=title,
        detail=_detail(refusal, connection),
        slug=slug_of(type(refusal)),
        about=about,
        headers={"Retry-After": str(about["seconds"])} if "seconds" in about else None,
    )


def _detail(refusal: Refused, connection: Connection) -> str:
    """Say a refusal; of an id that was derived, which kind of id it stands for."""
    derived = connection.get(DERIVED, {})
    if isinstance(refusal, NotFound) and refusal.about["id"] in derived:
        told = derived[refusal.about["id"]]
        return f"{str(refusal).removesuffix('.')}: that is what {told} stands for."
    return str(refusal)


def problem(
    connection: Connection,
    *,
    status: int,
    title: str,
    detail: str,
    slug: str | None = None,
    about: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Write problem details; `about` are members of their own.

    The path is not told: it may name somebody, and problems are kept in logs elsewhere.
    """
    request_id = connection["request_id"]
    body = {
        "type": f"urn:huike:problem:{slug}" if slug else "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": f"urn:huike:request:{request_id}",
        "request_id": request_id,
        **(about or {}),
    }
    return Response(
        encode(body),
        status,
        headers={**_HEADERS.get(status, {}), **(headers or {})},
        media_type=PROBLEM,
    )


_RESERVED: Final = {"type", "title", "status", "detail", "instance", "request_id"}


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    request.scope["refusal"] = slug_of(type(error))
    return problem_of(error, request.scope)


async def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    request.scope["refusal"] = "malformed"
    errors = [{"pointer": _pointer(e["loc"]), "detail": e["msg"]} for e in error.errors()]
    return problem(
        request.scope,
        status=422,
        title="Malformed",
        detail="; ".join(f"{e['pointer']}: {e['detail']}" for e in errors[:3]),
        slug="malformed",
        about={"errors": errors},
    )


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, Refused):  # the framework could not get the body
        return await _refused(request, error.__cause__)
    if error.status_code == HTTPStatus.BAD_REQUEST:  # the framework cannot read the body
        why = "cannot be read as JSON: it is nested too deep, or holds a number beyond all bounds"
        return problem_of(Malformed(field="body", why=why), request.scope)
    title = _TITLES.get(error.status_code, "Refused")
    return problem(
        request.scope,
        status=error.status_code,
        title=title,
        detail=str(error.detail),
        headers=error.headers,
    )


async def _unavailable(request: Request, error: Exception) -> Response:
    log.warning("database unavailable", error=type(error).__name__)
    return problem_of(Unavailable(), request.scope)


async def _forgotten(request: Request, _: Exception) -> Response:
    request.scope["refusal"] = slug_of(Forgotten)
    return problem_of(Forgotten(), request.scope)


async def _unaskable(request: Request, _: Exception) -> Response:
    request.scope["refusal"] = "malformed"
    why = "holds what no database can be asked, such as a NUL or a number beyond all bounds"
    return problem_of(Malformed(field="request", why=why), request.scope)


async def _broken(request: Request, error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    return problem(
        request.scope,
        status=500,
        title=_TITLES[500],
        detail="This is a fault of the service; its log has the reason under this request_id.",
        headers=_undressed(request),
    )


def _undressed(request: Request) -> Mapping[str, str]:
    """Return the headers that the door gives: the framework answers past it what nobody foresaw."""
    mark = b"x-request-id", request.scope["request_id"].encode()
    return {name.decode(): value.decode() for name, value in (mark, *SAFE)}


def _pointer(location: tuple[int | str, ...]) -> str:
    return "/".join(str(part) for part in location)


def teller(app: FastAPI) -> Callable[[Connection, Exception], Awaitable[Response]]:
    """Return what tells errors beside this application as it tells its own."""

    async def tell(scope: Connection, error: Exception) -> Response:
        handlers: Mapping[Any, Any] = app.exception_handlers
        handler = next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)
        told: Response = await handler(Request(scope), error)
        return told

    return tell


def install(app: FastAPI) -> None:
    """Tell every error of this application as problem details."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(KeyForgotten, _forgotten)
    app.add_exception_handler(DataError, _unaskable)
    app.add_exception_handler(OperationalError, _unavailable)
    app.add_exception_handler(UndefinedTable, _unavailable)  # the views are not made yet
    app.add_exception_handler(PoolTimeout, _unavailable)
    app.add_exception_handler(Exception, _broken)
