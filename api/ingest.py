"""The shops' door over HTTP: tracking messages in the shape of Segment's SDKs.

The busiest of all, so it stands beside the framework, and does nothing that it need not.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.bodies import Gone, check_media, read_body
from api.errors import NoKey, WrongKey
from api.fresh import fresh_name
from api.results import Outcome, Refusals, Said, refused, say, told
from api.security import admit, secret_of
from api.services import Services
from api.shares import Busy, Shares
from api.together import Together
from api.turned_away import SHARED, TURNED_AWAY, NoSuchDoor, turn_away
from api.unpacking import messages_in, secret_in
from commands.shop import NotTaken, Sent, refusal_of, translate_named
from commands.shop.contract import (
    BATCH_BYTES,
    KINDS,
    Door,
)
from commands.shop.parcel import (
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
from domain.shared.log import Append, Receipt
from infra import clock
from infra.keys import Key
from infra.refused import Packet, Refusal

PATIENCE: Final = 30.0
"""Seconds that an answer waits for the log; then the shop is asked to send again."""

MOST_WAITING: Final = 20_000
MOST_WAITING_BYTES: Final = 50_000_000
"""Appends in the log's queue, and their bytes, from which on shops are asked to slow down."""

_OPERATION: Final = "POST /v1/{kind}"
_AT_ONCE: Final = 20_000
_WEIGHT: Final = 200
"""Bytes of events that are translated in one turn of the loop; what each counts beside its own."""
_TYPICAL: Final = 500
"""Bytes of an event, to tell how many come before they are read."""
_PATHS: Final = {
    **{kind: kind for kind in KINDS},
    **{kind[0]: kind for kind in KINDS},  # as browsers' SDKs spell them
    "batch": "batch",
    "b": "batch",
    "import": "batch",
}
_PREFLIGHT: Final = {
    **SHARED,
    "access-control-allow-methods": "POST",
    "access-control-allow-headers": "authorization, content-type, content-encoding",
    "access-control-max-age": "86400",
}

Answered = Receipt | Exception

log = structlog.get_logger("ingest")


class Ingest:
    """Takes what shops send: reads, translates, has it recorded, answers for each event."""

    path = "/v1/{kind}"

    def __init__(self, services: Services) -> None:
        self._services = services
        self._clear = services.clear
        self._shares = Shares()
        self._turn = asyncio.Lock()
        self._together: Together[list[Answered]] = Together()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an application, where a request comes by the framework."""
        scope["route"] = self
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers=_PREFLIGHT)(scope, receive, send)
        elif (answer := await self.answer(scope, receive)) is not None:
            await say(answer, send)

    @property
    def route(self) -> Route:
        """As the framework describes it, and tells which methods there are."""
        return _Described(self.path, self, methods=["POST", "OPTIONS"], name="ingest")

    async def answer(self, scope: Scope, receive: Receive) -> Said | Response | None:
        """Return what a POST is answered, None where nobody is there any more."""
        scope["route"] = self  # the access log asks where it was answered
        try:
            return await self._answer(scope, receive)
        except Gone:
            scope["gone"] = True
            return None
        except TURNED_AWAY as error:
            return turn_away(error, scope)

    async def _answer(self, scope: Scope, receive: Receive) -> Said:
        kind = _PATHS.get(scope["path_params"]["kind"])
        if kind is None:
            raise NoSuchDoor
        headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))  # the first one counts
        check_media(headers)
        queue = self._services.log
        if queue.waiting > MOST_WAITING or queue.waiting_bytes > MOST_WAITING_BYTES:
            raise Busy
        shown = headers.get(b"authorization", b"").decode("latin-1")
        with self._room(shown, headers.get(b"content-length", b""), scope):
            body = await read_body(headers, receive, BATCH_BYTES)
            key = scope["key"] = await self._key(shown, body)
            sent = await messages_in(body, kind)
        door = self._door(key, scope["request_id"])
        if key.per_minute is not None:
            count = 1 if isinstance(sent, NotTaken) else len(sent)
            self._services.paces.take(key.id, key.per_minute, count)
        try:
            if isinstance(sent, NotTaken):
                raise sent
            with self._shares.held(key.id, len(sent)):
                names, heard = await self._hear(sent, door)
                if kind != "batch":
                    _refuse_as_a_whole(heard[0])
                outcomes = await self._settled(heard)
        except NotTaken as refusal:
            whole = Sent(raw=body, kind=kind, message_id=fresh_name())
            kept = without_key(body) if kind == "batch" else pack_refused(whole)
            await self._keep(door, [(kept, f"/v1/{kind}", refusal)])
            raise
        await self._keep(door, self._counted(refused(sent, outcomes)))
        return told(sent, names, outcomes)

    def _room(self, shown: str, length: bytes, scope: Scope) -> AbstractContextManager[None]:
        """Hold room for what is about to come, before it is read. Raises ShareFull.

        A key that only its body shows, or that is not known yet, has none held: it is asked later.
        """
        secret = secret_of(shown)
        key = self._services.keys.remembered(secret) if secret else None
        if key is None:
            return nullcontext()
        scope["key"] = key
        size = int(length) if length.isdigit() else BATCH_BYTES
        return self._shares.held(key.id, min(size, BATCH_BYTES) // _TYPICAL)

    async def _key(self, shown: str, body: bytes) -> Key:
        """Return the living key that was shown, in a header or in the body."""
        secret = secret_of(shown) if shown else await secret_in(body)
        if secret is None:
            raise NoKey
        key = self._services.keys.remembered(secret)
        if key is None:
            key = await run_in_threadpool(self._services.keys.check, secret)
        if key is None:
            raise WrongKey
        admit(key, _OPERATION)
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

    async def _hear(
        self, sent: Sequence[Sent], door: Door
    ) -> tuple[list[str | None], list[Append | NotTaken]]:
        """Translate each, with its id where it could be read.

        Of what is much, one request at a time, and others have a turn in between.
        """
        if sum(_WEIGHT + len(one.raw) for one in sent) <= _AT_ONCE:
            return self._heard(sent, door)
        names: list[str | None] = []
        heard: list[Append | NotTaken] = []
        async with self._turn:
            for part in _parts(sent):
                more_names, more = self._heard(part, door)
                names += more_names
                heard += more
                await asyncio.sleep(0)
        return names, heard

    def _heard(
        self, sent: Sequence[Sent], door: Door
    ) -> tuple[list[str | None], list[Append | NotTaken]]:
        ids = self._services.ids
        names: list[str | None] = []
        heard: list[Append | NotTaken] = []
        for one in sent:
            name: str | None = None
            try:
                name, append = translate_named(one, door, ids)
                heard.append(append)
            except NotTaken as refusal:
                heard.append(refusal)
            except Exception:  # a mistake of ours, met again whenever the event comes
                log.exception("not translated", correlation=door.correlation)
                heard.append(NotRecorded())
            names.append(name)
        return names, heard

    async def _settled(self, heard: Sequence[Append | NotTaken]) -> list[Outcome]:
        """Have what can be taken recorded; return what became of each. Raises TimeoutError."""
        appends = [it for it in heard if isinstance(it, Append)]
        ask: Callable[[Callable[[list[Answered]], None]], None]
        ask = partial(self._services.log.ask, appends)
        answers = await self._together.answer(ask, PATIENCE)
        if len(appends) == len(heard):
            return [_outcome_of(answer) for answer in answers]
        following = iter(answers)
        return [it if isinstance(it, NotTaken) else _outcome_of(next(following)) for it in heard]

    def _counted(self, refusals: Refusals) -> Refusals:
        for _, _, why in refusals:
            self._services.metrics.refusals.labels(why.code).inc()
        return refusals

    async def _keep(self, door: Door, refusals: Refusals) -> None:
        """Keep what was refused, before anybody is told that it was."""
        rows = []
        for message, place, why in refusals:
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


class _Described(Route):
    operations = (_OPERATION, "OPTIONS /v1/{kind}")


def _parts(sent: Sequence[Sent]) -> Iterator[Sequence[Sent]]:
    """Deal messages into what is translated in one turn."""
    begin = weight = 0
    for end, one in enumerate(sent, 1):
        weight += _WEIGHT + len(one.raw)
        if weight > _AT_ONCE:
            yield sent[begin:end]
            begin, weight = end, 0
    yield sent[begin:]


def _refuse_as_a_whole(outcome: Append | NotTaken) -> None:
    """Raise what makes a single event's body no body: 400, as SDKs expect, instead of a result."""
    if isinstance(outcome, BrokenJson | NotANumber | TooLarge | TooDeep):
        raise outcome


def _outcome_of(answer: Answered) -> Outcome:
    if isinstance(answer, Receipt):
        return answer
    refusal = refusal_of(answer)
    if refusal.code == "not-recorded":
        log.error("not recorded", exc_info=answer)
    return refusal
