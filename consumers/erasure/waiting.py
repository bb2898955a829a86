"""Why somebody cannot be forgotten yet: by the law, an order, or who they turned out to be."""

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
RECOGNISED: Final = "recognised"
"""The visitor who was to be forgotten is a customer's since, for whom nobody asked."""

_OPEN: Final = sql.SQL("""
select from {orders} where customer = %s and status in ('placed', 'paid', 'shipped')
and greatest(placed_at, purchased_at, shipped_at) > clock_timestamp() - %s limit 1
""")


def reasons(log: Connection, views: Connection, customer: UUID, order_days: int) -> list[str]:
    """Return what an erasure waits for; an order is open for so many days after it last moved."""
    owner, identities = erasures.whole(log, customer)
    if owner != customer:
        return [RECOGNISED]
    found = [LEGAL_HOLD] if erasures.is_held(log, identities) else []
    served = schema.active(views, profile.name)
    if served is not None:
        orders = sql.Identifier(served.schema, ORDER.name)
        asked = (customer, timedelta(days=order_days))
        if views.execute(_OPEN.format(orders=orders), asked).rowcount > 0:
            found.append(OPEN_ORDER)
    return found
