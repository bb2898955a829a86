"""Who is at the door: the API key of a request, and what it may do."""

import base64
from typing import Final

from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from api.errors import MissingScope
from infra.keys import Key, Scope

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


class Needs(SecurityBase):
    """A dependency that lets through keys with one scope, and gives the key."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.scheme_name = "key"
        self.model = HTTPBearer(
            bearerFormat="hk_...",
            description="An API key, made by `huike keys add NAME --scope ...`.",
        )

    async def __call__(self, request: Request) -> Key:
        """Raise MissingScope unless the key of this request has the scope."""
        key: Key = request.scope["key"]  # the door let nobody in without one
        if self.scope not in key.scopes:
            raise MissingScope(scope=self.scope.value)
        return key


def may_see_persons(request: Request) -> bool:
    """Tell whether personal fields are shown opened, or masked."""
    key: Key = request.scope["key"]
    return Scope.PERSONAL in key.scopes
