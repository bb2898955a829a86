"""Who is at the door, and the guard before every route: it lets in whom the table lets in."""

import base64
from copy import copy
from typing import Annotated, Final, Protocol

from fastapi import Depends
from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access import TABLE, Operation, Sight, rights
from api.errors import MissingScope
from domain.shared.log import Actor
from infra.keys import Key
from infra.keys import Scope as KeyScope

_BEARER: Final = "bearer "
_BASIC: Final = "basic "


def secret_of(authorization: str) -> str | None:
    """Return the key that an Authorization header shows: as Bearer, or as Basic's user name."""
    kind = authorization[:7].lower()
    if kind == _BEARER:
        return authorization[len(_BEARER) :].strip() or None
    if kind.startswith(_BASIC):
        try:
            pair = base64.b64decode(authorization[len(_BASIC) :], validate=True).decode()
        except ValueError:  # not base64, or not text
            return None
        return pair.partition(":")[0] or None
    return None


class Caller(Protocol):
    """Who asks: a key, or a person."""

    @property
    def actor(self) -> Actor: ...
    @property
    def name(self) -> str: ...
    @property
    def roles(self) -> tuple[str, ...]: ...
    @property
    def scopes(self) -> tuple[str, ...]: ...


class NoEntry(Exception):
    """A route that the table of access does not name: nobody may ask for it."""


def admit(caller: Caller, operation: str) -> Sight:
    """Return how the answer shows them persons. Raises MissingScope where they may not ask."""
    sight = rights(caller.roles, caller.scopes).get(operation)
    if sight is None:
        raise _missing(caller, TABLE[operation])
    return sight


def _missing(caller: Caller, entry: Operation) -> MissingScope:
    scopes: tuple[str, ...] = entry.scopes
    if entry.whole and any(scope in caller.scopes for scope in scopes):
        scopes = (KeyScope.PERSONAL,)
    return MissingScope(scope=" or ".join(scopes), roles=list(entry.allowed))


class Guard:
    """Stands before a route; tells a request its `operation`, and how its answer shows persons."""

    def __init__(self, app: ASGIApp, path: str, methods: set[str]) -> None:
        """Stand before `app`. Raises NoEntry."""
        self._app = app
        self._operations = {method: operation_of(method, path) for method in methods}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = self._operations[scope["method"]]
        if not TABLE[operation].open:
            scope["operation"] = operation
            scope["sight"] = admit(scope["key"], operation)
        await self._app(scope, receive, send)


def operation_of(method: str, path: str) -> str:
    """Return the name of an operation. Raises NoEntry."""
    name = f"{'GET' if method == 'HEAD' else method} {path}"
    if name not in TABLE:
        raise NoEntry(name)
    return name


def guarded(route: BaseRoute) -> BaseRoute:
    """Return the route behind the guard. Raises NoEntry."""
    if not isinstance(route, Route):
        raise NoEntry(getattr(route, "path", route))
    behind = copy(route)  # the router that it is of may be part of other applications
    behind.app = Guard(route.app, route.path, route.methods or set())
    return behind


def all_guarded(routes: list[BaseRoute]) -> None:
    """Raise NoEntry for a route that the guard does not stand before.

    One with `operations`, those that it answers, asks `admit` itself.
    """
    for route in routes:
        for operation in getattr(route, "operations", ()):
            operation_of(*operation.split(" ", 1))
        if not (hasattr(route, "operations") or isinstance(getattr(route, "app", None), Guard)):
            raise NoEntry(getattr(route, "path", route))


async def _key_of(request: Request) -> Key:
    key: Key = request.scope["key"]  # the door let nobody in without one
    return key


TheKey = Annotated[Key, Depends(_key_of)]
