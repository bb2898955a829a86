"""Rows of the lifecycle view as they are read back from `huike.*`, a thousand at a time."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row
from psycopg.sql import SQL, Composable, Composed, Literal

from projections.lifecycle import statements
from projections.lifecycle.stages import Policies, Policy, Stage, Tier
from projections.lifecycle.stood import Spell
from projections.lifecycle.tables import (
    DAY,
    LIFECYCLE,
    ORDER,
    Dealt,
    Lifecycle,
    LifecycleDay,
    LifecycleOrder,
    LifecyclePolicy,
    Silence,
)
from projections.orders import OrderState

Connection = psycopg.Connection[Any]
Whole = tuple[Lifecycle, list[LifecycleDay], list[LifecycleOrder]]

Lived = tuple[Lifecycle, list[Spell], list[OrderState]]

AT_ONCE: Final = 1_000

NOT_WALKED: Final = UUID(int=0)
"""Before every customer."""


def policies(connection: Connection) -> Policies:
    """Return every policy that was adopted."""
    adopted = Policies()
    with connection.cursor(row_factory=class_row(LifecyclePolicy)) as cursor:
        for row in cursor.execute("select * from huike.lifecycle_policy"):
            adopted = adopted.and_one(row.shop, _policy(row))
    return adopted


def rows(
    connection: Connection, statement: Composed, about: Mapping[str, Any]
) -> Iterator[Lifecycle]:
    """Yield customers without holding them all; inside a transaction."""
    with connection.cursor("lifecycles", binary=True) as cursor:
        cursor.itersize = AT_ONCE
        for values in cursor.execute(statement, about):
            yield _row(dict(zip(LIFECYCLE.columns, values, strict=True)))


def whole(connection: Connection, some: Iterable[Lifecycle]) -> Iterator[Whole]:
    """Yield customers with all their days and orders."""
    left = iter(some)
    while chunk := list(islice(left, AT_ONCE)):
        customers = [row.customer for row in chunk]
        days: dict[UUID, list[LifecycleDay]] = {customer: [] for customer in customers}
        orders: dict[UUID, list[LifecycleOrder]] = {customer: [] for customer in customers}
        cursor = connection.cursor(binary=True)
        for values in cursor.execute(statements.DAYS, (customers,)):
            day = LifecycleDay(**dict(zip(DAY.columns, values, strict=True)))
            days[day.customer].append(day)
        for values in cursor.execute(statements.ORDERS, (customers,)):
            order = _order(dict(zip(ORDER.columns, values, strict=True)))
            orders[order.customer].append(order)
        for row in chunk:
            yield row, days[row.customer], orders[row.customer]


def lives(connection: Connection, some: Iterable[Lifecycle], at: datetime) -> Iterator[Lived]:
    """Yield customers with what they did until an instant, and all that is told of their orders."""
    left = iter(some)
    while chunk := list(islice(left, AT_ONCE)):
        about = {"customers": [row.customer for row in chunk], "at": at}
        cursor = connection.cursor(binary=True)
        spells = {
            customer: list(zip(*columns, strict=True))
            for customer, *columns in cursor.execute(statements.SPELLS, about)
        }
        told = dict(cursor.execute(statements.TOLD, about).fetchall())
        for row in chunk:
            orders = _all_told(b"[%b]" % told.get(row.customer, b""))
            yield row, spells.get(row.customer, []), orders


def old(connection: Connection, policies: Policies, at: datetime) -> Composable:
    """Return the condition of rows that a policy which held at the instant has not come to yet.

    Those are the rows of slots that have not heard of it, and those that a walk has not reached.
    """
    held = {s: [p for p in of if p.at <= at] for s, of in policies.by_shop.items()}
    shops = [shop for shop, some in held.items() if some]
    if not shops:
        return statements.NOBODY
    recorded = max(p.position for some in held.values() for p in some)
    slots: dict[UUID | None, list[int]] = {}
    of = 0
    for slot, position, walked in connection.execute(statements.WALKS):
        slots.setdefault(NOT_WALKED if position < recorded else walked, []).append(slot)
        of += 1
    parts = [
        SQL(" and ").join(
            [
                statements.BEYOND.format(after=Literal(after)),
                *(
                    [statements.OF_SLOTS.format(of=Literal(of), slots=Literal(some))]
                    if len(some) < of
                    else []
                ),
            ]
        )
        for after, some in slots.items()
        if after is not None
    ]
    if not parts:
        return statements.NOBODY
    whose = statements.OF_SHOPS.format(shops=Literal(shops))
    return SQL("({} and ({}))").format(whose, SQL(" or ").join(parts))


_nets: Final = msgspec.json.Decoder(dict[str, Decimal]).decode
_dealt: Final = msgspec.json.Decoder(Dealt).decode
_silences: Final = msgspec.json.Decoder(tuple[Silence, ...]).decode
_all_told: Final = msgspec.json.Decoder(list[OrderState]).decode
_told: Final = msgspec.json.Decoder(OrderState).decode


def _row(values: dict[str, Any]) -> Lifecycle:
    before = values["stage_before"]
    values |= {
        "stage": Stage(values["stage"]),
        "stage_before": None if before is None else Stage(before),
        "tier": Tier(values["tier"]),
        "tier_before": Tier(values["tier_before"]),
        "nets": _nets(values["nets"]),
        "dealt": None if values["dealt"] is None else _dealt(values["dealt"]),
        "silences": _silences(values["silences"]),
        "named": tuple(values["named"]),
    }
    return Lifecycle(**values)


def _order(values: dict[str, Any]) -> LifecycleOrder:
    return LifecycleOrder(**values | {"told": _told(values["told"])})


def _policy(row: LifecyclePolicy) -> Policy:
    return Policy(
        at=row.adopted_at,
        position=row.position,
        new_days=row.new_days,
        silent_after_days=row.silent_after_days,
        lost_after_days=row.lost_after_days,
        won_back_days=row.won_back_days,
        high_value=row.high_value,
        general_value=row.general_value,
        currency=row.currency,
    )
