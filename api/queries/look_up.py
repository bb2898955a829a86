"""Looking customers up by what they say of themselves: an address, a number, the shop's id."""

from collections.abc import Callable
from typing import Annotated, Final, Self
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.parameters import KNOWN_ALONE
from api.queries.customers import EXAMPLE
from api.queries.deps import ASKED, Connection, Sources, TheViews, answers
from api.queries.seeing import TheCustomers
from projections.profile import queries

router = APIRouter(
    prefix="/api/customers", tags=["customers"], responses=ASKED, dependencies=[KNOWN_ALONE]
)

LARGEST_BODY: Final = 4 * 1024
"""Bytes of a look-up."""

_LONGEST: Final = 400
_FOUND: Final = answers({"customers": [EXAMPLE]})

Value = Annotated[str, Path(max_length=_LONGEST)]
Blind = Callable[[str, str], bytes]


class LookUp(BaseModel):
    """By what somebody is looked up: one of them. In a body, since addresses end up in logs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: str | None = Field(None, max_length=_LONGEST, examples=["ada@example.com"])
    phone: str | None = Field(None, max_length=_LONGEST, examples=["+44 20 7946 0018"])
    user: str | None = Field(None, max_length=_LONGEST, description="The shop's own id.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(value is not None for value in (self.email, self.phone, self.user)) != 1:
            raise ValueError("name one of email, phone and user")
        return self

    def ask(self, connection: Connection, blind: Blind, sources: Sources, shop: str) -> list[UUID]:
        """Return who it may be."""
        if self.email is not None:
            return queries.by_email(connection, self.email, blind)
        if self.phone is not None:
            return queries.by_phone(connection, self.phone, blind, sources.region)
        assert self.user is not None
        return [sources.reader.customer_of(sources.ids.user(shop, self.user))]


@router.post(
    "/look-up",
    summary="Look customers up",
    responses=_FOUND,
    max_body_size=LARGEST_BODY,
)
async def look_up(body: LookUp, customers: TheCustomers, views: TheViews) -> Response:
    """Give everybody with this address or number, however it is written; none where nobody has it.

    What is asked for stands in the body alone: what proxies and browsers keep of requests does not
    say whom somebody looked for.
    """
    return await customers.with_index(
        lambda c, blind: body.ask(c, blind, views.sources, views.key.shop)
    )


_INSTEAD: Final = "Use `POST /api/customers/look-up`: a path is written to the logs of proxies."


@router.get(
    "/by/email/{value}",
    summary="Customers by their e-mail address",
    description=f"Give everybody with this address, however it is written. {_INSTEAD}",
    responses=_FOUND,
    deprecated=True,
)
async def by_email(value: Value, customers: TheCustomers) -> Response:
    return await customers.with_index(lambda c, blind: queries.by_email(c, value, blind))


@router.get(
    "/by/phone/{value}",
    summary="Customers by their phone number",
    description=f"Give everybody with this number, however it is written. {_INSTEAD}",
    responses=_FOUND,
    deprecated=True,
)
async def by_phone(value: Value, customers: TheCustomers, views: TheViews) -> Response:
    region = views.sources.region
    return await customers.with_index(lambda c, blind: queries.by_phone(c, value, blind, region))
