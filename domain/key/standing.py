"""What the facts of a key say that it may do."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from domain.key.events import KeyIssued, KeyRevoked, KeyRotated
from domain.shared.events import Event, Value


class Rights(Value, frozen=True, kw_only=True):
    """What a key was given, as it stands."""

    name: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    shop: str
    source: str
    system: bool
    currency: str
    per_minute: int | None
    expires_at: datetime | None


class Standing(Value, frozen=True, kw_only=True):
    """A key's rights, None if nobody issued it, and whether it was revoked."""

    rights: Rights | None = None
    revoked: bool = False


UNKNOWN: Final = Standing()
_GIVEN: Final = tuple(f.name for f in msgspec.structs.fields(Rights))


def after(known: Standing, event: Event) -> Standing:
    """Return how a key stands after a fact of it."""
    match event:
        case KeyIssued():
            rights = Rights(**{name: getattr(event, name) for name in _GIVEN})
        case KeyRotated() if known.rights is not None:
            rights = msgspec.structs.replace(known.rights, expires_at=event.expires_at)
        case KeyRevoked():
            return msgspec.structs.replace(known, revoked=True)
        case _:
            return known
    return msgspec.structs.replace(known, rights=rights)


def standing_of(events: Iterable[Event]) -> Standing:
    """Return how a key stands by all of its facts, in order."""
    known = UNKNOWN
    for event in events:
        known = after(known, event)
    return known
