"""What was told: a message that was read, with its place in time and whose it is."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from commands.shop.contract import Door, Message, Sent
from domain.order.events import OrderToldOfAnotherCustomer
from domain.shared.events import Event
from domain.shared.ids import Ids
from domain.shared.log import Draft, Who


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the translations of one message need.

    `stream` and `content`: the message's own stream and the digest of what it says; `context`: its
    own over its batch's; `user` and `visitor`: the identities that it names.
    """

    message: Message
    sent: Sent
    kind: str
    name: str
    at: datetime
    who: Who
    user_id: str | None
    stream: UUID
    content: bytes
    context: dict[str, Any]
    system: bool
    door: Door
    ids: Ids

    @property
    def user(self) -> UUID | None:
        return self.who.user

    @property
    def visitor(self) -> UUID | None:
        return self.who.anonymous

    def of_message(self, event: Event) -> Draft:
        return Draft(event=event, occurred_at=self.at, who=self.who, stream=self.stream)

    def of_customer(self, event: Event, *, first: bool = False) -> Draft:
        return Draft(event=event, occurred_at=self.at, who=self.who, first=first)

    def of_redemption(self, code: str, order: UUID | None, event: Event) -> Draft:
        """One use of a coupon: one for an order, whoever tells it; else one a message."""
        place = order or self.user or self.visitor
        assert place is not None  # a message of nobody is refused
        use = "" if order is not None else self.stream.hex
        stream = self.ids.redemption(self.door.shop, code, place, use)
        return Draft(event=event, occurred_at=self.at, who=self.who, stream=stream, first=True)

    def of_order(self, number: str, events: Iterable[Event]) -> tuple[Draft, ...]:
        stream = self.ids.order(self.door.shop, number)
        drafts = [
            Draft(event=event, occurred_at=self.at, who=self.who, stream=stream) for event in events
        ]
        if self.user is not None:
            told = OrderToldOfAnotherCustomer(identity=self.user)
            drafts.append(
                Draft(event=told, occurred_at=self.at, who=self.who, stream=stream, of_another=True)
            )
        return tuple(drafts)
