"""Parameters that many routes take."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Path
from pydantic import AfterValidator
from starlette.requests import Request

from domain.shared.ids import Ids
from domain.shared.refusals import Malformed

_LAST_YEAR: Final = 9000
FARTHEST: Final = 2**62
"""No position is beyond it."""


def _in_utc(value: datetime) -> datetime:
    if not 1 < value.year < _LAST_YEAR:
        raise ValueError("year out of range")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(_in_utc)]
"""An instant; without an offset it is in UTC."""


def _named(kind: str, derive: Callable[[Ids, str, str], UUID], what: str, hint: str = "") -> Any:
    """Make a dependency that reads an id of a path: a UUID, or the shop's own id after its kind."""

    async def read(request: Request, id: str) -> UUID:
        """Return the id. Raises Malformed."""
        mark, _, name = id.partition(":")
        if mark == kind and name:
            ids: Ids = request.app.state.ids
            return derive(ids, request.scope["key"].shop, name)
        try:
            return UUID(id)
        except ValueError:
            why = f"is neither a UUID nor {kind}:...{hint}"
            raise Malformed(field="path/id", why=why) from None

    described = Path(description=f"{what}: its UUID, or `{kind}:` and the shop's own id.")
    read.__annotations__["id"] = Annotated[str, described]
    return Depends(read)


_OTHERS: Final = "; by e-mail: /api/customers/by/email/{address}, by phone: by/phone/{number}"
CustomerId = Annotated[UUID, _named("user", Ids.user, "The customer", _OTHERS)]
OrderId = Annotated[UUID, _named("number", Ids.order, "The order")]
TicketId = Annotated[UUID, _named("number", Ids.ticket, "The ticket")]
CampaignId = Annotated[UUID, _named("code", Ids.campaign, "The campaign")]
