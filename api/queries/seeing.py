"""Customers as one request may see them: one, a page, all, or whom an index finds."""

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from fastapi import Depends, Response
from starlette.concurrency import run_in_threadpool

from api.looking import Look
from api.queries.deps import Connection, Moment, Sources, TheViews, Views, found
from api.responses import csv_of, ndjson
from projections.lifecycle.projection import lifecycle
from projections.lifecycle.tables import LIFECYCLE
from projections.paging import Page
from projections.profile import queries
from projections.profile.answers import Customer, shown
from projections.profile.projection import profile
from projections.profile.queries import Part, Wanted
from projections.profile.tables import PROFILE
from projections.rows import Rows

SEEN: Final = ("profile", "lifecycle")
"""The views that a customer is seen in."""


class Format(StrEnum):
    """How a long list is written."""

    CSV = "csv"
    NDJSON = "ndjson"


class Customers:
    """The customers as one request may see them."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._look = views.look

    async def one(self, customer: UUID, moment: Moment) -> Response:
        """Answer a customer now, or as of a moment. Raises NotFound."""
        if moment.is_now:
            return await self._views.answer(
                SEEN, lambda c: living(c, self._views.sources, customer, self._look)
            )

        def tell(rows: Rows, _at: datetime) -> Customer:
            row = found("customer", customer, rows.get(PROFILE))
            life = self._views.replayed(lifecycle, customer, moment)[0].get(LIFECYCLE)
            answer = shown(row, reveal=self._views.opens(row.customer))
            self._look.saw(answer)
            return msgspec.structs.replace(
                answer, stage=life.stage if life else None, tier=life.tier if life else None
            )

        return await self._views.as_of(profile, customer, moment, tell)

    async def some(self, wanted: Wanted, part: Part, moment: Moment) -> Response:
        """Answer a page of customers now, or queue a job about a moment."""
        if moment.is_now:
            return await self._views.answer(
                SEEN,
                lambda c: self._page(queries.some(c, wanted, part, sealer=self._look.whole)),
            )
        about = {"wanted": wanted, "sort": part.sort, "limit": part.limit}
        return await self._views.everybody("customers", moment, about)

    async def every(self, wanted: Wanted, format: Format) -> Response:
        """Stream all of them, as they are read."""
        headers = await self._views.headers(SEEN)
        if self._look.whole is not None:
            conditions = {k: v for k, v in msgspec.structs.asdict(wanted).items() if v is not None}
            count = await self._views.sources.readers.ask(lambda c: queries.count(c, wanted))
            await self._look.noted(whom=None, conditions=conditions, count=count)
        return await run_in_threadpool(_WRITERS[format], self._each(wanted), headers)

    async def with_index(
        self, look_up: Callable[[Connection, Callable[[str, str], bytes]], list[UUID]]
    ) -> Response:
        """Answer those whom an index finds."""

        def ask(connection: Connection) -> dict[str, list[Customer]]:
            ids = look_up(connection, self._views.sources.sealer.blind)
            each = (
                queries.by_id(connection, who, sealer=self._look.at(connection, who)) for who in ids
            )
            found = [customer for customer in each if customer is not None]
            return {"customers": self._all_seen(found)}

        return await self._views.answer(SEEN, ask)

    def _each(self, wanted: Wanted) -> Iterator[Customer]:
        with self._views.sources.exports.connection() as connection:
            yield from queries.every(connection, wanted, sealer=self._look.whole)

    def _page(self, page: Page[Customer]) -> dict[str, Any]:
        return {"customers": self._all_seen(page.items), "cursor": page.cursor}

    def _all_seen(self, customers: list[Customer]) -> list[Customer]:
        for customer in customers:
            self._look.saw(customer)
        return customers


def living(connection: Connection, sources: Sources, customer: UUID, look: Look) -> Customer:
    """Return a customer as it is now. Raises NotFound."""
    row = queries.by_id(connection, customer, sealer=look.at(connection, customer))
    if row is None:  # a visitor who was recognised lives on in the customer
        whole = sources.reader.customer_of(customer)
        row = queries.by_id(connection, whole, sealer=look.at(connection, whole))
    answer = found("customer", customer, row)
    look.saw(answer)
    return answer


_FIELDS: Final = tuple(f.name for f in msgspec.structs.fields(Customer))
_WRITERS: Final = {
    Format.CSV: lambda rows, headers: csv_of(
        _FIELDS, (msgspec.structs.astuple(row) for row in rows), headers
    ),
    Format.NDJSON: ndjson,
}


async def customers(views: TheViews) -> Customers:
    return Customers(views)


TheCustomers = Annotated[Customers, Depends(customers)]
