"""What stands beside a profile: a customer's orders, tickets and notes, the latest first."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row

from domain.order.events import Line
from domain.shared.personal import Erased, Sealer
from projections.orders import OrderState
from projections.profile.tables import NOTE
from projections.runtime.columns import sealed_column

Connection = psycopg.Connection[Any]

MOST: Final = 500
"""Rows of one kind that are answered at once."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it now stands; amounts in `currency`."""

    order_id: UUID
    number: str | None
    status: str
    channel: str | None
    currency: str | None
    total: Decimal | None
    paid: Decimal
    refunded: Decimal
    net: Decimal
    placed_at: datetime | None
    purchased_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    cancelled_at: datetime | None
    flags: list[str]
    lines: tuple[Line, ...] = ()


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as it now stands."""

    ticket_id: UUID
    number: str | None
    kind: str | None
    channel: str | None
    order_id: UUID | None
    status: str | None
    agent: str | None
    score: int | None
    opened_at: datetime | None
    last_message_at: datetime | None


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A note. `text` is given to who may read it; ERASED once it cannot be."""

    note_id: UUID
    written_at: datetime
    author_kind: str
    author_id: str
    text: str | Erased | None = None


def orders(connection: Connection, customer: UUID, limit: int = MOST) -> list[Order]:
    """Return a customer's orders, the latest first."""
    names = [f.name for f in msgspec.structs.fields(Order) if f.name != "lines"]
    found = connection.execute(
        f"select {', '.join(names)}, state from huike.profile_order where customer = %s "  # noqa: S608  # this file's own names
        "order by coalesce(placed_at, purchased_at) desc nulls last, order_id limit %s".encode(),
        (customer, limit),
        binary=True,
    )
    return [
        Order(lines=_state(state).lines, **dict(zip(names, columns, strict=True)))
        for *columns, state in found
    ]


def tickets(connection: Connection, customer: UUID, limit: int = MOST) -> list[Ticket]:
    """Return a customer's tickets, the latest first."""
    names = ", ".join(f.name for f in msgspec.structs.fields(Ticket))
    with connection.cursor(row_factory=class_row(Ticket), binary=True) as cursor:
        return cursor.execute(
            f"select {names} from huike.profile_ticket where customer = %s "  # noqa: S608  # this file's own names
            "order by opened_at desc nulls last, ticket_id limit %s".encode(),
            (customer, limit),
        ).fetchall()


def notes(
    connection: Connection, customer: UUID, limit: int = MOST, *, sealer: Sealer | None = None
) -> list[Note]:
    """Return the notes about a customer, the latest first; with a `sealer` their text."""
    found = connection.execute(
        "select note_id, written_at, author_kind, author_id, text from huike.profile_note "
        "where customer = %s order by written_at desc, position desc limit %s",
        (customer, limit),
        binary=True,
    ).fetchall()
    opened = sealed_column(sealer, "profile", NOTE, "text") if sealer else None
    return [
        Note(
            note_id=note,
            written_at=at,
            author_kind=kind,
            author_id=author,
            text=opened.decode(text, customer) if opened else None,
        )
        for note, at, kind, author, text in found
    ]


_state: Final = msgspec.json.Decoder(OrderState).decode
