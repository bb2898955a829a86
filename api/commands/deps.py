"""What command routes share: the desk that takes a request's command, and its body's types."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from fastapi import Depends, Header, Path, Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.access import anywhere
from api.parameters import Instant
from api.responses import Json
from api.security import TheKey
from commands.application import Crm
from commands.shop import NotTaken
from commands.shop.amounts import camel
from commands.shop.clear import TRAITS, Clear, split
from commands.shop.contract import inspect, is_nobody
from commands.shop.translate import ID_CHARACTERS
from commands.work import Command
from domain.customer.events import Person
from domain.shared.ids import Ids
from domain.shared.log import Receipt
from domain.shared.refusals import Malformed
from infra.keys import Key

LARGEST_BODY: Final = 256 * 1024
"""Bytes of a command."""

LARGEST_BULK: Final = 8 * 1024 * 1024
"""Bytes of a command of many."""

_LONGEST_VERSION: Final = 18
_answer: Final = msgspec.json.Decoder(dict[str, Any])


class Desk:
    """Takes one request's command to the CRM, in the name of its key, and answers its receipt."""

    def __init__(
        self,
        request: Request,
        key: Key,
        occurred_at: datetime | None,
        idempotency: str | None,
        if_match: int | None,
    ) -> None:
        self._crm: Crm = request.app.state.crm
        self._clear: Clear = request.app.state.clear
        self._key = key
        self._correlation: str = request.scope["request_id"]
        self._occurred_at = occurred_at
        self._idempotency = idempotency
        self._if_match = if_match

    @property
    def ids(self) -> Ids:
        return self._crm.ids

    @property
    def shop(self) -> str:
        return self._key.shop

    @property
    def currency(self) -> str:
        return self._key.currency

    def deal(self, traits: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Deal traits into those kept in the clear and those to be sealed.

        Raises Malformed for what says who somebody is, which would stand beside what `person` says.
        """
        for name, value in traits.items():
            if name in PERSON and value is not None:
                why = f"is said as `person`, `{PERSON[name]}`"
                raise Malformed(field=f"body/traits/{name}", why=why)
        return split(traits, TRAITS, self._clear.traits)

    def takes(self, command: Command) -> Response:
        """Have it done, and answer where in the log it stands."""
        return self._answer(self._dispatch(command), 202)

    def creates(self, command: Command, place: str) -> Response:
        """Have something made, and answer where it can be asked for."""
        return self._answer(self._dispatch(command), 201, place)

    def _dispatch(self, command: Command) -> Receipt:
        return self._crm.dispatch(
            msgspec.structs.replace(command, occurred_at=self._occurred_at),
            actor=self._key.actor,
            shop=self._key.shop,
            source=self._key.source,
            correlation=self._correlation,
            idempotency=self._idempotency,
            if_match=self._if_match,
            anywhere=anywhere(self._key.roles, self._key.scopes),
        )

    @staticmethod
    def _answer(receipt: Receipt, status: int, place: str | None = None) -> Response:
        told = _answer.decode(receipt.answer or b"{}")
        headers: dict[str, str] = {}
        if receipt.position is not None:
            headers["X-Position"] = str(receipt.position)
        if "version" in told:
            headers["ETag"] = f'"{told["version"]}"'
        if place is not None:
            headers["Location"] = f"{place}/{told['id']}"
        return Json({**told, "position": receipt.position}, status, headers)


async def desk(
    request: Request,
    key: TheKey,
    occurred_at: Annotated[
        Instant | None, Query(description="When it happened, if that was earlier than now.")
    ] = None,
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=200,
            description="Makes repeating safe: the same key gives the same answer again.",
        ),
    ] = None,
    if_match: Annotated[
        str | None,
        Header(description="The version (`ETag`) it must still have, or it is refused with 412."),
    ] = None,
) -> Desk:
    return Desk(request, key, occurred_at, idempotency_key, _version(if_match))


def _version(if_match: str | None) -> int | None:
    if if_match is None:
        return None
    bare = if_match.strip().removeprefix("W/").strip('"')
    if not bare.isascii() or not bare.isdigit() or len(bare) > _LONGEST_VERSION:
        raise Malformed(field="header/if-match", why='is no version, as in "3"')
    return int(bare)


TheDesk = Annotated[Desk, Depends(desk)]


def _printable(value: str) -> str:
    if "\0" in value:
        raise ValueError("holds a NUL")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half a character") from None
    return value


def _somebody(value: str) -> str:
    if is_nobody(value):
        raise ValueError("stands for nobody")
    return value


def _traits(value: dict[str, Any]) -> dict[str, Any]:
    try:
        inspect(value)
    except NotTaken as refusal:  # pydantic tells ValueErrors
        raise ValueError(str(refusal)) from None
    return value


Text = Annotated[str, AfterValidator(_printable)]
"""What somebody typed."""

UserId = Annotated[Text, Field(max_length=ID_CHARACTERS), AfterValidator(_somebody)]
"""The shop's own id of a customer."""

Name = Annotated[str, Path(max_length=200), AfterValidator(_printable)]
"""What something is called, in a path."""

PERSON: Final = {
    spelling: name for name in Person.__struct_fields__ for spelling in (name, camel(name))
}
"""What says who somebody is, in whichever case it is spelled."""

Traits = Annotated[dict[str, Any], AfterValidator(_traits)]
"""Any JSON object."""

Amount = Annotated[Decimal, Field(max_digits=21, decimal_places=6)]
"""An exact amount; a string is safest, a JSON number is taken too."""


class Body(BaseModel):
    """What a command route takes; unknown members are refused, for they may be typing errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


TOLD: Final[dict[int | str, dict[str, Any]]] = {
    409: {"description": "It cannot be done, and `detail` says why."},
    412: {"description": "It is at another version than `If-Match` names."},
    422: {"description": "Something is malformed; `errors` says where."},
    503: {"description": "The log cannot be written just now; nothing was recorded."},
    507: {"description": "The log has no room left; nothing was recorded."},
}


def receipt_of(status: int, **more: Any) -> dict[int | str, dict[str, Any]]:
    """Document the answer of a command."""
    example = {
        "id": "8a4f5f6e-1c1b-8a77-9b53-1f0c7d1a2b3c",
        "version": 3,
        "position": 1204,
        **more,
    }
    return {
        status: {
            "description": "Recorded; null for `position` when it was no news.",
            "headers": {
                "X-Position": {
                    "description": "Position of the last fact that it led to.",
                    "schema": {"type": "integer"},
                },
                "ETag": {"description": "The version now.", "schema": {"type": "string"}},
            },
            "content": {"application/json": {"example": example}},
        },
        404: {"description": "There is no such thing."},
    }
