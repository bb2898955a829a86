"""Why a customer stands in a stage or a tier: what counts, and what moved it there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.customer.events import CustomerRegistered
from domain.lifecycle.events import LifecyclePolicyAdopted
from domain.order.events import OrderPaid, OrderRefunded
from domain.shared.events import Event, Fact, readable
from domain.shared.log import Reader
from projections.activity import is_activity
from projections.lifecycle.answers import Place
from projections.why import Rule, Why

STAGE: Final = "stage"
TIER: Final = "tier"

_COUNTS: Final[dict[str, tuple[Rule, tuple[type[Event], ...]]]] = {
    STAGE: (Rule.DEFINITION, (CustomerRegistered, OrderPaid)),
    TIER: (Rule.THRESHOLDS, (OrderPaid, OrderRefunded)),
}


def why(  # noqa: PLR0913  # whose place, and as of when
    reader: Reader, customer: UUID, field: str, place: Place, *, at: datetime, upto: int
) -> Why:
    """Return why a customer stands in `place` at an instant, as known at a position.

    `field`: stage or tier. What counts are payments (of a stage also the registration and the last
    activity, of a tier also refunds), and what moved the customer here, be it a policy. A stage
    reached by time alone is decided by the last activity.
    """
    rule, events = _COUNTS[field]
    origins = reader.origins_of(customer, at=upto)
    history = readable(reader.of_origins(origins, upto=upto))
    happened = [f for f in history if f.occurred_at <= at]
    facts = {f.position: f for f in happened if isinstance(f.event, events)}
    deciding = [] if place.cause is None else [place.cause]
    if field == STAGE and (last := _last_activity(happened)) is not None:
        facts[last.position] = last
        deciding = deciding or [last.position]
    for position in deciding:
        if position not in facts:  # a policy, or what made the customer known
            facts[position] = reader.read(position - 1, 1)[0]
    return Why(
        field=field,
        rule=rule,
        types=_names((*events, LifecyclePolicyAdopted)),
        facts=sorted(facts.values(), key=_said_at),
        deciding=deciding,
    )


def _last_activity(happened: Sequence[Fact]) -> Fact | None:
    return max((f for f in happened if is_activity(f.event)), key=_said_at, default=None)


def _said_at(fact: Fact) -> tuple[datetime, int]:
    return fact.occurred_at, fact.position


def _names(events: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(event.stored.name for event in events)
