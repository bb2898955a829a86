"""Every request passes here: it gets an id, shows its key, is counted and timed."""

import re
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from logging import DEBUG
from typing import Final
from urllib.parse import unquote_to_bytes

import structlog
from prometheus_client import Histogram
from psycopg import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access import KEYLESS
from api.bodies import in_time
from api.dressing import dressed
from api.errors import (
    PROBLEM,
    NoKey,
    TooLarge,
    TooOften,
    Unavailable,
    UnreadablePath,
    WrongKey,
    problem_of,
    slug_of,
)
from api.fresh import fresh_name
from api.results import Said, say
from api.security import secret_of
from api.shares import Paces
from domain.shared.refusals import Refused
from infra.keys import Key, Keys
from infra.metrics import Metrics

_NAMELESS: Final = re.compile(
    r"[0-9a-f]{8}(-?)[0-9a-f]{4}(\1[0-9a-f]{4}){2}\1[0-9a-f]{12}"
    r"|[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
    re.IGNORECASE,
)
"""A UUID, with dashes or without, or a `traceparent`: it stands in the log for good, so it must be
too long for a number that is dialled, and of no letters that spell a name."""

_QUIET: Final = KEYLESS | {"/metrics"}
_PLAIN: Final = _QUIET | {"/openapi.json"}
"""Routes that are not FastAPI's own kind: they do not name themselves to the scope."""

_SHOPS: Final = "/v1/"
SLOW_SECONDS: Final = 1.0
SLOW_BYTES: Final = 100_000
"""For each so many bytes that a request brings, it may take as long again."""
GONE: Final = 499
"""Counted where a client went away before it had sent its request: no fault of ours."""
_NOWHERE: Final = "(no such route)"

Take = Callable[[Scope, Receive], Awaitable[Said | Response | None]]
Tell = Callable[[Scope, Exception], Awaitable[Response]]

log = structlog.get_logger("api")


class Accounts:
    """Counts and times what is answered; logs what stands out."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._timers: dict[tuple[str, str, int], Histogram] = {}
        self._busy_told_at = float("-inf")

    def _timer(self, method: str, route: str, status: int) -> Histogram:
        timer = self._timers.get((method, route, status))
        if timer is None:
            timer = self._metrics.requests.labels(method, route, str(status))
            self._timers[method, route, status] = timer
        return timer

    def settle(self, scope: Scope, status: int, began: float) -> None:
        """Count the request by its route (a path may hold an e-mail address); log what stands out.

        What went well and quickly is in the metrics, and what it recorded is in the log of facts.
        """
        now = time.perf_counter()
        seconds = now - began
        route = getattr(scope.get("route"), "path", None) or (
            scope["path"] if scope["path"] in _PLAIN else _NOWHERE
        )
        method = scope["method"]
        refusal = scope.get("refusal")
        self._timer(method, route, status).observe(seconds)
        if refusal:
            self._metrics.refusals.labels(refusal).inc()
        if route in _QUIET:
            return
        telling = status >= HTTPStatus.BAD_REQUEST or is_slow(seconds, scope)
        if status == HTTPStatus.TOO_MANY_REQUESTS:  # thousands a second would wait for the disk
            telling = now - self._busy_told_at >= 1
            self._busy_told_at = now if telling else self._busy_told_at
        if not telling and not log.is_enabled_for(DEBUG):
            return
        key = scope.get("key")
        (log.info if telling else log.debug)(
            "request",
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            refusal=refusal,
            key=key.name if key else None,
        )


class Shops:
    """The outermost layer of the shops' door: no framework stands before or behind it."""

    def __init__(self, take: Take, tell: Tell, accounts: Accounts) -> None:
        """`take` answers a request, `tell` says what nobody foresaw."""
        self._take = take
        self._tell = tell
        self._accounts = accounts

    @staticmethod
    def takes(scope: Scope) -> bool:
        """Tell whether a request is for this door; other methods are the framework's to answer."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return False
        before, _, kind = scope["path"].partition(_SHOPS)
        return not before and bool(kind) and "/" not in kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        mark = _name(scope)
        scope["path_params"] = {"kind": scope["path"][len(_SHOPS) :]}
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value
        try:
            try:
                answer = await self._take(scope, receive)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is told
                answer = await self._tell(scope, error)
            if answer is None:
                status = GONE
            else:
                status = answer.status_code
                await say(answer, send, mark)
        finally:
            self._accounts.settle(scope, status, began)


class Door:
    """Before a body is read, a living key is shown; health needs none.

    Shops show theirs in more ways than this knows (`ingest`): what comes here of theirs is no POST.
    """

    def __init__(self, app: ASGIApp, keys: Keys, paces: Paces, accounts: Accounts) -> None:
        self._app = app
        self._keys = keys
        self._paces = paces
        self._accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        mark = _name(scope)
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = dressed(message["headers"], mark)
            await send(message)

        try:
            await self._enter(scope, receive, answer)
        finally:
            if "gone" in scope:
                status = GONE
            self._accounts.settle(scope, status, began)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path in KEYLESS or path.startswith(_SHOPS):
            await self._app(scope, receive, send)
            return
        key = await self._key(scope)
        if isinstance(key, Key):
            scope["key"] = key
            if _is_text(scope.get("raw_path", b"")):
                if scope["method"] != "GET":
                    send = _telling_too_large(scope, receive, send)
                    receive = in_time(receive)
                await self._app(scope, receive, send)
                return
            key = UnreadablePath()
        scope["refusal"] = slug_of(type(key))
        await problem_of(key, scope)(scope, receive, send)

    async def _key(self, scope: Scope) -> Key | Refused:
        secret = secret_of(_header(scope, b"authorization"))
        if secret is None:
            return NoKey()
        key = self._keys.remembered(secret)
        if key is None:
            try:
                key = await run_in_threadpool(self._keys.check, secret)
            except OperationalError:
                return Unavailable()
        if key is None:
            return WrongKey()
        if key.per_minute is not None:
            try:
                self._paces.take(key.id, key.per_minute)
            except TooOften as refusal:
                return refusal
        return key


def _name(scope: Scope) -> tuple[bytes, bytes]:
    """Give a request the id that it brings, or one of its own; return the header that says it."""
    given = _header(scope, b"x-request-id")
    request_id = given if given and _NAMELESS.fullmatch(given) else fresh_name()
    scope["request_id"] = request_id
    structlog.contextvars.bind_contextvars(request_id=request_id)  # each has its own context
    return b"x-request-id", request_id.encode()


def _is_text(path: bytes) -> bool:
    """Tell whether a path means text: what does not would be taken for U+FFFD."""
    if b"%" not in path:
        return True
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return False
    return True


def is_slow(seconds: float, scope: Scope) -> bool:
    """Tell whether a request took longer than what it brought can explain."""
    if seconds <= SLOW_SECONDS:
        return False
    told = _header(scope, b"content-length")
    brought = int(told) if told.isdecimal() else 0
    return seconds > SLOW_SECONDS * (1 + brought / SLOW_BYTES)


def _header(scope: Scope, name: bytes) -> str:
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return ""


def _telling_too_large(scope: Scope, receive: Receive, send: Send) -> Send:
    """Say a 413, which the framework says in plain text, as the other errors are said."""
    replaced = False

    async def answer(message: Message) -> None:
        nonlocal replaced
        if replaced:
            return
        if (
            message.get("status") == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            and Headers(raw=message["headers"])["content-type"] != PROBLEM
        ):
            replaced = True
            await problem_of(TooLarge(), scope)(scope, receive, send)
            return
        await send(message)

    return answer
