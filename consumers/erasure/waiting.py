"""Why somebody cannot be forgotten yet: the law forbids it, or an order is not done."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from psycopg import sql

from infra import erasures
from infra.postgres import Connection
from projections.profile.projection import profile
from projections.profile.tables import ORDER
from projections.runtime import schema

LEGAL_HOLD: Final = "legal-hold"
OPEN_ORDER: Final = "open-order"

_OPEN: Final = sql.SQL("""
select from {orders} where customer = %s and status in ('placed', 'paid', 'shipped')
and greatest(placed_at, purchased_at, shipped_at) > clock_timestamp() - %s limit 1
""")


def reasons(log: Connection, views: Connection, customer: UUID, order_days: int) -> list[str]:
    """Return what an erasure waits for; an order is open for so many days after it last moved."""
    found = [LEGAL_HOLD] if erasures.is_held(log, customer) else []
    served = schema.active(views, profile.name)
    if served is not None:
        orders = sql.Identifier(served.schema, ORDER.name)
        asked = (customer, timedelta(days=order_days))
        if views.execute(_OPEN.format(orders=orders), asked).rowcount > 0:
            found.append(OPEN_ORDER)
    return found
