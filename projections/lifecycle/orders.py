"""A customer's orders and currency, as far as stage, tier and lists depend on them."""

from uuid import UUID

from msgspec.structs import replace

from domain.order.events import OrderPlaced
from domain.shared.events import Fact
from projections.lifecycle.tables import LIFECYCLE, ORDER, Lifecycle, LifecycleOrder
from projections.order_fold import placed, take
from projections.orders import NO_ORDER, ZERO, OrderState
from projections.rows import Rows


def taken(rows: Rows, fact: Fact) -> tuple[OrderState, OrderState]:
    """Keep one more fact of an order, but not what was agreed; return it before and after."""
    held = rows.get(ORDER, fact.stream)
    before = held.told if held else NO_ORDER
    after = placed(before, fact) if isinstance(fact.event, OrderPlaced) else take(before, fact)
    rows.put(ORDER, of_order(rows, fact.stream, after))
    return before, after


def of_order(rows: Rows, order: UUID, told: OrderState) -> LifecycleOrder:
    return LifecycleOrder(
        customer=rows.subject,
        order_id=order,
        purchased_at=told.purchased_at,
        kept=told.kept,
        currency=told.currency,
        net=told.net,
        told=told,
    )


def in_currency(rows: Rows, fact: Fact, currency: str) -> Lifecycle:
    """Return the customer, whose own currency is the first that they dealt in."""
    row = rows.get(LIFECYCLE)
    assert row is not None  # the first fact of any kind makes it
    dealt = (fact.occurred_at, fact.position, currency)
    if row.dealt is not None and row.dealt <= dealt:
        return row
    return replace(row, dealt=dealt, own_net=row.nets.get(currency, ZERO))
