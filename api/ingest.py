"""The shops' door over HTTP: tracking messages in the shape of Segment's SDKs.

A plain ASGI endpoint: it is the busiest of all, and does nothing that it need not.
"""

import asyncio
from collections.abc import Sequence
from secrets import token_hex
from typing import Any, Final

import msgspec
import structlog
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.bodies import (
    BodyBroken,
    BodyTooLarge,
    BodyTooSlow,
    Gone,
    UnknownEncoding,
    UnknownMedia,
    check_media,
    read_body,
)
from api.errors import MissingScope, NoKey, WrongKey, problem, slug_of, title_of
from api.security import secret_of
from api.services import Services
from api.shares import Busy, Shares
from api.together import all_done
from commands.shop import NotTaken, Sent, refusal_of, translate
from commands.shop.contract import (
    BATCH_BYTES,
    KINDS,
    Door,
    Unread,
    write_key_of,
    write_key_of_unread,
)
from commands.shop.parcel import (
    Batch,
    open_carefully,
    open_quickly,
    pack_refused,
    without_key,
)
from commands.shop.refusals import (
    BrokenJson,
    Forgotten,
    NotANumber,
    NotRecorded,
    TooDeep,
    TooLarge,
)
from domain.shared.log import Append, LogFull, LogLost, LogUnavailable, Receipt
from domain.shared.refusals import Refused
from infra import clock
from infra.keys import Key
from infra.keys import Scope as KeyScope
from infra.refused import Packet, Refusal

PATIENCE: Final = 30.0
"""Seconds that an answer waits for the log; then the shop is asked to send again."""

MOST_WAITING: Final = 20_000
MOST_WAITING_BYTES: Final = 50_000_000
"""Appends in the log's queue, and their bytes, from which on shops are asked to slow down."""

_AT_ONCE: Final = 80_000
_WEIGHT: Final = 200
"""Bytes of events that are translated in one turn of the loop; what each counts beside its own."""
_PATHS: Final = {
    **{kind: kind for kind in KINDS},
    **{kind[0]: kind for kind in KINDS},  # as browsers' SDKs spell them
    "batch": "batch",
    "b": "batch",
    "import": "batch",
}
_SHARED: Final = {"access-control-allow-origin": "*"}
_PREFLIGHT: Final = {
    **_SHARED,
    "access-control-allow-methods": "POST",
    "access-control-allow-headers": "authorization, content-type, content-encoding",
    "access-control-max-age": "86400",
}

log = structlog.get_logger("ingest")


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
    LogFull: 507,
    LogUnavailable: 503,
}
"""How a request is refused as a whole; what is wrong with one event stands in its result."""


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What became of one event."""

    message_id: str | None = None
    status: str
    duplicate: bool = False
    position: int | None = None
    reason: str | None = None
    detail: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """What became of all of them; `success`: all were accepted."""

    success: bool
    results: list[Result]


class _Named(msgspec.Struct, frozen=True):
    message_id: Any = msgspec.field(default=None, name="messageId")


_encode: Final = msgspec.json.Encoder().encode
_named: Final = msgspec.json.Decoder(_Named)

Outcome = Receipt | NotTaken


class Ingest:
    """Takes what shops send: reads, translates, has it recorded, answers for each event."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._clear = services.clear
        self._shares = Shares()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = self  # the access log asks where it was answered
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers=_PREFLIGHT)(scope, receive, send)
            return
        try:
            answer = await self._answer(scope, receive)
        except Gone:
            scope["gone"] = True
            return
        except (Refused, OperationalError, PoolTimeout, TimeoutError) as error:
            refused = _refusal_of(error)
            scope["refusal"] = _code(refused)
            answer = _refuse(refused, scope)
        await answer(scope, receive, send)

    @property
    def path(self) -> str:
        return "/v1/{kind}"

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        kind = _PATHS.get(scope["path_params"]["kind"])
        if kind is None:
            raise NoSuchDoor
        headers = Headers(scope=scope)
        check_media(headers)
        queue = self._services.log
        if queue.waiting > MOST_WAITING or queue.waiting_bytes > MOST_WAITING_BYTES:
            raise Busy
        self._check_share(headers, scope)
        body = await read_body(headers, receive, BATCH_BYTES)
        key = await self._key(headers, body)
        scope["key"] = key
        door = self._door(key, scope["request_id"])
        try:
            if kind == "batch":
                batch = open_quickly(body)
                if batch is None:
                    batch = await run_in_threadpool(open_carefully, body)
                sent = _messages_of(batch)
            else:
                sent = [_alone(body, kind)]
            with self._shares.held(key.id, len(sent)):
                heard = await self._hear(sent, door)
                if kind != "batch":
                    _refuse_as_a_whole(heard[0])
                outcomes = await self._settled(heard)
        except NotTaken as refusal:
            kept = without_key(body) if kind == "batch" else pack_refused(_alone(body, kind))
            await self._keep(door, [(kept, f"/v1/{kind}", refusal)])
            raise
        return await self._results(sent, outcomes, door)

    def _check_share(self, headers: Headers, scope: Scope) -> None:
        """Refuse a key that has its share in hand before its body is read, where it can be."""
        secret = secret_of(headers.get("authorization", ""))
        key = self._services.keys.remembered(secret) if secret else None
        if key is not None:
            scope["key"] = key
            self._shares.check(key.id, events=1)

    async def _key(self, headers: Headers, body: bytes) -> Key:
        """Return the living key that was shown, in a header or in the body."""
        shown = headers.get("authorization", "")
        secret = secret_of(shown) if shown else await _secret_in(body)
        if secret is None:
            raise NoKey
        key = self._services.keys.remembered(secret)
        if key is None:
            key = await run_in_threadpool(self._services.keys.check, secret)
        if key is None:
            raise WrongKey
        if not key.may(KeyScope.INGEST):
            raise MissingScope(scope=KeyScope.INGEST.value)
        return key

    def _door(self, key: Key, correlation: str) -> Door:
        return Door(
            shop=key.shop,
            source=key.source,
            actor=key.actor,
            received_at=clock.now(),
            currency=key.currency,
            system=key.system,
            clear=self._clear,
            correlation=correlation,
        )

    async def _hear(self, sent: Sequence[Sent], door: Door) -> list[Append | NotTaken]:
        """Translate each; let others have a turn in between."""
        ids = self._services.ids
        heard: list[Append | NotTaken] = []
        weight = 0
        for one in sent:
            try:
                heard.append(translate(one, door, ids))
            except NotTaken as refusal:
                heard.append(refusal)
            except Exception:  # a mistake of ours, met again whenever the event comes
                log.exception("not translated", correlation=door.correlation)
                heard.append(NotRecorded())
            weight += _WEIGHT + len(one.raw)
            if weight > _AT_ONCE:
                weight = 0
                await asyncio.sleep(0)
        return heard

    async def _settled(self, heard: Sequence[Append | NotTaken]) -> list[Outcome]:
        """Have what can be taken recorded; return what became of each. Raises TimeoutError."""
        future = self._services.log.submit_all([it for it in heard if isinstance(it, Append)])
        await all_done([future], PATIENCE)
        answers = iter(future.result())
        return [it if isinstance(it, NotTaken) else _outcome_of(next(answers)) for it in heard]

    async def _results(
        self, sent: Sequence[Sent], outcomes: Sequence[Outcome], door: Door
    ) -> Response:
        results: list[Result] = []
        refused: list[tuple[bytes, str, NotTaken]] = []
        position = 0
        for number, (one, receipt) in enumerate(zip(sent, outcomes, strict=True)):
            name = _name_of(one)
            if isinstance(receipt, NotTaken):
                self._services.metrics.refusals.labels(receipt.code).inc()
                refused.append((pack_refused(one), f"event {number}", receipt))
                results.append(
                    Result(
                        message_id=name,
                        status="rejected",
                        reason=receipt.code,
                        detail=str(receipt),
                    )
                )
                continue
            position = max(position, receipt.position or 0)
            results.append(
                Result(
                    message_id=name,
                    status="accepted",
                    duplicate=receipt.duplicate,
                    position=receipt.position,
                )
            )
        await self._keep(door, refused)
        headers = {**_SHARED, "X-Position": str(position)} if position else _SHARED
        answer = _encode(Answer(success=not refused, results=results))
        return Response(answer, headers=headers, media_type="application/json")

    async def _keep(self, door: Door, refused: Sequence[tuple[bytes, str, NotTaken]]) -> None:
        """Keep what was refused, before anybody is told that it was."""
        rows = []
        for message, place, why in refused:
            if isinstance(why, Forgotten):
                continue
            about = Refusal(
                received_at=door.received_at,
                shop=door.shop,
                source=door.source,
                door="http",
                reason=why.code,
                detail=str(why),
                place=place,
                correlation=door.correlation,
            )
            rows.append(
                (about, Packet(message=message, currency=door.currency, system=door.system))
            )
        if rows:
            await run_in_threadpool(self._services.refused.keep, rows)


async def _secret_in(body: bytes) -> str | None:
    try:
        return write_key_of(body)
    except Unread:
        return await run_in_threadpool(write_key_of_unread, body)


def _alone(body: bytes, kind: str) -> Sent:
    return Sent(raw=body, kind=kind, message_id=token_hex(16))


def _messages_of(batch: Batch) -> list[Sent]:
    sent_at = batch.sent_at if isinstance(batch.sent_at, str) else None
    names = token_hex(16 * len(batch.batch))
    return [
        Sent(
            raw=bytes(raw),
            message_id=names[32 * number : 32 * number + 32],
            context=batch.context,
            sent_at=sent_at,
        )
        for number, raw in enumerate(batch.batch)
    ]


def _refuse_as_a_whole(outcome: Append | NotTaken) -> None:
    """Raise what makes a single event's body no body: 400, as SDKs expect, instead of a result."""
    if isinstance(outcome, BrokenJson | NotANumber | TooLarge | TooDeep):
        raise outcome


def _outcome_of(answer: Receipt | Exception) -> Outcome:
    if isinstance(answer, Receipt):
        return answer
    refusal = refusal_of(answer)
    if refusal.code == "not-recorded":
        log.error("not recorded", exc_info=answer)
    return refusal


def _name_of(sent: Sent) -> str | None:
    """Return the messageId that an event has, or was given."""
    try:
        own = _named.decode(sent.raw).message_id
    except (ValueError, RecursionError):
        return None
    return str(own) if own is not None and own != "" else sent.message_id


def _refusal_of(error: Exception) -> Refused:
    if isinstance(error, Refused):
        return error
    if isinstance(error, TimeoutError):  # it stands in the line, and may be recorded yet
        return LogLost()
    return LogUnavailable()


def _code(refused: Refused) -> str:
    if isinstance(refused, NotTaken):
        return refused.code
    return slug_of(type(refused))


def _refuse(refused: Refused, scope: Scope) -> Response:
    """Refuse a request as a whole; `code` and `message` are what Segment's SDKs read."""
    status = next(STATUS[kind] for kind in type(refused).__mro__ if kind in STATUS)
    code = _code(refused)
    headers = dict(_SHARED)
    if status in {429, 503, 507}:
        headers["Retry-After"] = "1"
    return problem(
        scope,
        status=status,
        title=title_of(type(refused)),
        detail=str(refused),
        slug=code,
        about={"code": code, "message": str(refused)},
        headers=headers,
    )


def routes(services: Services) -> list[Route]:
    """Return the shops' routes."""
    return [Route("/v1/{kind}", Ingest(services), methods=["POST", "OPTIONS"], name="ingest")]
