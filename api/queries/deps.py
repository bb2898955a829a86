"""What query routes share: the views as one request may see them, and the moment asked about."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

import msgspec
import psycopg
from fastapi import Depends, Query, Request, Response
from psycopg import IsolationLevel
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from api.access import Sight
from api.errors import NotThereYet
from api.jobs import accepted
from api.looking import Look, TheLook
from api.parameters import FARTHEST, Instant
from api.queries.freshness import Fresh, Freshness
from api.responses import JSON, encode
from domain.shared.ids import Ids
from domain.shared.log import Reader
from domain.shared.refusals import Malformed, NotFound
from infra import clock
from infra.access_log import AccessLog
from infra.event_store import LogReader
from infra.jobs import Jobs
from infra.keys import Keys
from infra.postgres import Pool
from infra.reading import Readers
from infra.sealing import PersonKeys
from infra.wire import Wires
from projections.projection import View
from projections.rows import Rows
from projections.runtime.as_of import AsOf

T = TypeVar("T")
Connection = psycopg.Connection[Any]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked about: an instant, with what was known at a position. None: now."""

    at: datetime | None = None
    known_at: int | datetime | None = None

    @property
    def is_now(self) -> bool:
        return self.at is None and self.known_at is None


class Sources:
    """Where answers come from; one for the whole process."""

    def __init__(
        self,
        *,
        exports: Pool,
        readers: Readers,
        quick: Wires,
        reader: LogReader,
        sealer: PersonKeys,
        ids: Ids,
        jobs: Jobs,
        access: AccessLog,
        keys: Keys,
        region: str,
    ) -> None:
        self.exports = exports
        self.readers = readers
        self.quick = quick
        self.reader = reader
        self.sealer = sealer
        self.ids = ids
        self.jobs = jobs
        self.access = access
        self.keys = keys
        self.region = region
        self.freshness = Freshness(readers, clock.now)


class Views:
    """The views as the key of one request may see them."""

    def __init__(self, sources: Sources, look: Look, position: int | None) -> None:
        self.sources = sources
        self.look = look
        self.key = look.key
        self._position = position

    @property
    def now(self) -> datetime:
        return clock.now()

    async def answer(self, view: str | tuple[str, ...], ask: Callable[[Connection], T]) -> Response:
        """Answer from a view, once it has come to the position that is waited for."""
        headers = await self.headers(view)
        body = await self.sources.readers.ask(lambda connection: encode(ask(connection)))
        await self.look.noted()
        return Response(body, headers=headers, media_type=JSON)

    async def headers(self, view: str | tuple[str, ...]) -> Mapping[str, str]:
        """Wait for a view, and say how fresh it is."""
        freshness = self.sources.freshness
        views = (view,) if isinstance(view, str) else view
        return freshness.headers(await freshness.reach(views, self._position))

    async def as_of(
        self, view: View, subject: UUID, moment: Moment, tell: Callable[[Rows, datetime], Any]
    ) -> Response:
        """Answer about one subject from a replay of its facts."""

        def work() -> Response:
            headers = self.replay_headers(moment)  # first: the answer is at least so fresh
            body = encode(tell(*self.replayed(view, subject, moment)))
            return Response(body, headers=headers, media_type=JSON)

        response = await run_in_threadpool(work)
        await self.look.noted()
        return response

    def opens(self, customer: UUID) -> bool:
        """Tell, from a thread, whether a customer of a replay is shown whole."""
        if self.look.sight is not Sight.SERVED:
            return self.look.whole is not None
        with self.sources.exports.connection() as connection:
            return self.look.at(connection, customer) is not None

    def replay_headers(self, moment: Moment) -> Mapping[str, str]:
        """Say how far a replay goes. Raises NotThereYet where the log is not at the position."""
        reader = self.sources.reader
        head = reader.head()
        if self._position is not None and head.position < self._position:
            raise NotThereYet(view="The log", position=head.position, wanted=self._position)
        known_at = head.position
        if moment.known_at is not None:
            known_at = min(known_at, position_of(reader, moment.known_at))
        return self.sources.freshness.headers(Fresh(position=known_at, clock=head.clock))

    def replayed(self, view: View, subject: UUID, moment: Moment) -> tuple[Rows, datetime]:
        """Return one subject's rows as of a moment, and the instant that they are about."""
        reader = self.sources.reader
        known_at = position_of(reader, moment.known_at)
        at = moment.at or clock.now()
        whole = reader.customer_of(subject, at=known_at)
        asking = AsOf(view, reader, self.sources.sealer.blind)
        return asking.one(whole, at=at, known_at=known_at), at

    async def everybody(self, kind: str, moment: Moment, about: Mapping[str, Any]) -> Response:
        """Have a question about everybody answered by a job."""

        def ask() -> Response:
            known_at = position_of(self.sources.reader, moment.known_at)
            asked = {"at": moment.at or clock.now(), "known_at": known_at, **about}
            return accepted(self.sources.jobs.ask(kind, asked, str(self.key.id)))

        return await run_in_threadpool(ask)


def position_of(reader: Reader, known_at: int | datetime | None) -> int:
    """Return the position that was known at an instant; None: all that is known now."""
    if known_at is None:
        return reader.head().position
    return known_at if isinstance(known_at, int) else reader.position_at(known_at)


def in_one_snapshot(ask: Callable[[Connection], T]) -> Callable[[Connection], T]:
    """Make all statements of a question see the same rows."""

    def asking(connection: Connection) -> T:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        try:
            with connection.transaction():
                return ask(connection)
        finally:
            connection.isolation_level = None

    return asking


def found(what: str, id: object, it: T | None) -> T:
    """Return what was found. Raises NotFound where nothing was."""
    if it is None:
        raise NotFound(what=what, id=id)
    return it


async def views(
    request: Request,
    look: TheLook,
    position: Annotated[
        int | None,
        Query(
            ge=0,
            le=FARTHEST,
            description="Wait until the view has come to it: `X-Position` of a command.",
        ),
    ] = None,
) -> Views:
    return Views(request.app.state.sources, look, position)


async def moment(
    at: Annotated[
        Instant | None, Query(description="What it was at this instant: nothing later counts.")
    ] = None,
    known_at: Annotated[
        str | None,
        Query(
            description="As it was known then: a position of the log, or an instant.",
            examples=["1204", "2026-03-01T00:00:00Z"],
        ),
    ] = None,
) -> Moment:
    """Read the moment asked about. Raises Malformed."""
    return Moment(at=at, known_at=None if known_at is None else _known_at(known_at))


def _known_at(text: str) -> int | datetime:
    if text.isascii() and text.isdigit():
        return min(int(text[:19]), FARTHEST)
    try:
        return _instant.validate_python(text)
    except ValidationError:
        why = "is neither a position nor an instant"
        raise Malformed(field="query/known_at", why=why) from None


_instant: Final = TypeAdapter[datetime](Instant)
TheViews = Annotated[Views, Depends(views)]
TheMoment = Annotated[Moment, Depends(moment)]
Cursor = Annotated[str | None, Query(max_length=1000, description="`cursor` of the page before.")]

ASKED: Final[dict[int | str, dict[str, Any]]] = {
    403: {
        "description": "No scope and no role of the key allows it; `scope` and `roles` say which "
        "would."
    },
    422: {"description": "Something is malformed; `errors` says where."},
    504: {"description": "The view has not come to `position` in time; it says how far it is."},
}
FRESH: Final = {
    "X-View-Position": {
        "description": "Every fact up to here is in the answer.",
        "schema": {"type": "integer"},
    },
    "X-View-Age": {
        "description": "Seconds since which nothing is missing.",
        "schema": {"type": "number"},
    },
}


def answers(example: Any) -> dict[int | str, dict[str, Any]]:
    """Document an answer by an example."""
    return {
        200: {
            "description": "What is known.",
            "headers": FRESH,
            "content": {"application/json": {"example": example}},
        }
    }
