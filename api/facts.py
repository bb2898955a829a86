"""Facts as auditors read them: what, when, whose, who said so, and because of what."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from domain.shared.events import Event, Fact, Unreadable
from projections.by import By, by

SEALED: Final = "sealed"
"""What stands in the place of a personal field, for who may not see persons."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A fact over HTTP. Personal fields are "sealed" without the scope, "erased" without a key."""

    position: int
    type: str
    occurred_at: datetime
    recorded_at: datetime
    by: By
    shop: str
    source: str
    customer: UUID | None
    origin: UUID | None
    stream: UUID
    version: int
    correlation: str
    causation: UUID | None
    data: msgspec.Raw


_encode: Final = msgspec.json.Encoder(decimal_format="string").encode
_parts: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_CLOSED: Final = msgspec.Raw(_encode(SEALED))


def told(fact: Fact, names: Mapping[str, str], *, opened: bool) -> Told:
    """Return a fact as it is answered; not `opened`: to who may not see persons."""
    return Told(
        position=fact.position,
        type=fact.type,
        occurred_at=fact.occurred_at,
        recorded_at=fact.recorded_at,
        by=by(fact, names),
        shop=fact.shop,
        source=fact.source,
        customer=fact.subject,
        origin=fact.origin,
        stream=fact.stream,
        version=fact.version,
        correlation=fact.correlation,
        causation=fact.causation,
        data=msgspec.Raw(_data(fact.event, opened=opened)),
    )


def _data(event: Event, *, opened: bool) -> bytes:
    if isinstance(event, Unreadable):
        return _encode(_as_stored(event))
    return _encode(event) if opened else _closed(event)


def _as_stored(event: Unreadable) -> dict[str, Any]:
    """Tell what cannot be read: as it stands in the log, personal fields sealed; why; its version.

    A body that is no JSON is given in base64.
    """
    body: Any = event.body
    with suppress(ValueError, RecursionError):
        msgspec.json.decode(body)
        body = msgspec.Raw(body)
    return {"unreadable": event.why, "type_version": event.version, "stored": body}


def _closed(event: Event) -> bytes:
    """Write an event for who may not see persons: what it holds of somebody is there, sealed."""
    body = _encode(event)
    sealed = [name for name in event.stored.personal if getattr(event, name) is not None]
    return _encode({**_parts(body), **dict.fromkeys(sealed, _CLOSED)}) if sealed else body
