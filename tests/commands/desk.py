"""Who asks in these tests, when, and how they read what came of it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec

from commands.order import PayOrder, PlaceOrder
from domain.order.events import Line
from domain.shared.events import Event, Fact
from domain.shared.ids import Ids
from domain.shared.log import Actor, Receipt

IDS: Final = Ids(b"secret")
NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIN: Final = Actor("person", "lin")
ADA: Final = IDS.user("shop", "ada")
BO: Final = IDS.user("shop", "bo")

ORDER: Final = IDS.order("shop", "A-1")
place = PlaceOrder(
    number="A-1",
    customer=ADA,
    currency="USD",
    lines=(Line(product="tea", quantity=Decimal(2), unit_price=Decimal(10)),),
    total=Decimal(20),
)
pay = PayOrder(order=ORDER, amount=Decimal(20))

Ask = Callable[..., Receipt]
Facts = Callable[[], Sequence[Fact]]


def answer(receipt: Receipt) -> dict[str, Any]:
    assert receipt.answer is not None
    told: dict[str, Any] = msgspec.json.decode(receipt.answer)
    return told


def id_of(receipt: Receipt) -> UUID:
    return UUID(answer(receipt)["id"])


def events(facts: Sequence[Fact]) -> list[Event]:
    return [fact.event for fact in facts]
