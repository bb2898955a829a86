"""Why somebody cannot be forgotten yet: by the law, an order, or who they turned out to be."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from psycopg import sql

from infra import erasures
from infra.erasures import Erasure
from infra.event_store.membership import customer_of, origins_of
from infra.postgres import Connection
from projections.profile.projection import profile
from projections.profile.tables import ORDER
from projections.rows import Rows
from projections.runtime import schema

LEGAL_HOLD: Final = "legal-hold"
OPEN_ORDER: Final = "open-order"
RECOGNISED: Final = "recognised"
"""The visitor who was to be forgotten is a customer's since, for whom nobody asked."""

_STATUSES: Final = ["placed", "paid", "shipped"]
_OPEN: Final = sql.SQL("""
select from {orders} where customer = %s and status = any(%s)
and greatest(placed_at, purchased_at, shipped_at) > clock_timestamp() - %s limit 1
""")
_LIVING: Final = """
select identity from keeper.person_key where identity = any(%s) and wrapped is not null
"""


def has_open_order(rows: Rows, *, since: datetime) -> bool:
    """Tell whether an order of a customer's is open, and moved after an instant."""
    return any(
        order.status in _STATUSES
        and any(
            moved is not None and moved > since
            for moved in (order.placed_at, order.purchased_at, order.shipped_at)
        )
        for order in rows.all(ORDER).values()
    )


def reasons(log: Connection, views: Connection, customer: UUID, order_days: int) -> list[str]:
    """Return what an erasure waits for; an order is open for so many days after it last moved."""
    if customer_of(log, customer) != customer:
        return [RECOGNISED]
    found = [LEGAL_HOLD] if erasures.is_held(log, origins_of(log, customer)) else []
    served = schema.active(views, profile.name)
    if served is not None:
        orders = sql.Identifier(served.schema, ORDER.name)
        asked = (customer, _STATUSES, timedelta(days=order_days))
        if views.execute(_OPEN.format(orders=orders), asked).rowcount > 0:
            found.append(OPEN_ORDER)
    return found


def late_reasons(log: Connection, keeper: Connection, erasure: Erasure) -> list[str]:
    """Return what an erasure that was begun waits for: a hold on one who became theirs since."""
    theirs = {*erasure.identities, *origins_of(log, erasure.customer)}
    living = [identity for (identity,) in keeper.execute(_LIVING, (list(theirs),))]
    return [LEGAL_HOLD] if erasures.is_held(log, living) else []
