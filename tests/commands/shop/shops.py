"""A shop's door for the tests: what is said there, and the facts that it tells."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from commands.shop import Door, Sent, translate
from commands.shop.parcel import Batch, open_carefully, open_quickly
from domain.shared.events import Event
from domain.shared.ids import Ids
from domain.shared.log import Actor, Append

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENVELOPE = frozenset(field.name for field in msgspec.structs.fields(Sent))


class Shop:
    """One source of one shop. A message is a dict, or bytes.

    `about`: parts of the envelope (kind, sent_at, ...) or of the door (currency, system, ...).
    """

    def __init__(self) -> None:
        self.ids = Ids(b"a secret of thirty-two bytes, no?")
        self.door = Door(
            shop="tea", source="site", actor=Actor(kind="key", id="k1"), received_at=NOON
        )

    def hears(self, message: object, **about: Any) -> Append:
        """Return what a message asks of the log."""
        raw = message if isinstance(message, bytes) else json.dumps(message).encode()
        envelope = {name: about.pop(name) for name in ENVELOPE & about.keys()}
        sent = Sent(**{"message_id": "made-here", "raw": raw, **envelope})
        return translate(sent, msgspec.structs.replace(self.door, **about), self.ids)

    def told(self, message: object, **about: Any) -> list[Event]:
        """Return the events of a message, its own activity first, whatever the log holds."""
        facts = self.hears(message, **about).facts
        return [fact.event for fact in facts if not (fact.first or fact.of_another)]

    def user(self, id: str) -> UUID:
        return self.ids.user("tea", id)

    def visitor(self, id: str) -> UUID:
        return self.ids.anonymous("tea", id)


def open_batch(body: bytes) -> Batch:
    """Take a batch apart as the door does."""
    return open_quickly(body) or open_carefully(body)


def track(event: str = "Product Viewed", /, **properties: Any) -> dict[str, Any]:
    """Say that user 42 did something."""
    return {
        "type": "track",
        "messageId": "m1",
        "userId": "42",
        "event": event,
        "properties": properties,
    }
