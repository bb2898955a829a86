"""The busiest question, a customer by id without parameters, past the framework's own routing.

The route of the same path in `customers` says what it answers, and takes every other form of it.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from api.access import Sight
from api.looking import Look
from api.queries.deps import Sources
from api.queries.seeing import SEEN, living
from api.responses import JSON, encode
from api.security import admit
from infra.wire import Row
from projections.profile.queries import of_row

_OPERATION: Final = "GET /api/customers/{id}"
_PREFIX: Final = "/api/customers/"
_TYPE: Final = (b"content-type", JSON.encode())
_LENGTH: Final = len(_PREFIX) + 36


class QuickCustomer(BaseRoute):
    """GET /api/customers/{id}, when the id is a UUID and nothing else is asked."""

    path = "/api/customers/{id}"
    operations = (_OPERATION,)

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope["path"]
        if (
            len(path) != _LENGTH
            or not path.startswith(_PREFIX)
            or scope["type"] != "http"
            or scope["method"] != "GET"
            or scope["query_string"]
        ):
            return Match.NONE, {}
        try:
            return Match.FULL, {"customer": UUID(path[len(_PREFIX) :]), "route": self}
        except ValueError:
            return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # no body is read
        """Answer. Raises MissingScope, NotFound, NotThereYet, AccessNotWritten."""
        sources = self._sources
        sight = admit(scope["key"], _OPERATION)
        fresh = await sources.freshness.reach(SEEN, 0)
        rows = await sources.quick.ask(scope["customer"].bytes)
        if rows and sight is Sight.MASKED:
            body = encode(of_row(rows[0], None))
        else:
            body = await self._seen(scope, sight, rows)
        said = {**sources.freshness.headers(fresh), "content-length": str(len(body))}
        headers = [_TYPE, *((k.lower().encode(), v.encode()) for k, v in said.items())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _seen(self, scope: Scope, sight: Sight, rows: Sequence[Row] | None) -> bytes:
        """Return the answer to who may see who it is, and have written down that they did."""
        sources, customer = self._sources, scope["customer"]
        look = Look(sources, scope, _OPERATION, sight)
        if rows and look.whole is not None and look.whole.holds(customer):
            answer = of_row(rows[0], look.whole)
            look.saw(answer)
            body = encode(answer)
        else:
            body = await sources.readers.ask(
                lambda connection: encode(living(connection, sources, customer, look))
            )
        await look.noted()
        return body
