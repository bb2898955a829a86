"""Facts at their places in a log: a test says of one what matters."""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain.shared.events import Event, Fact


def fact_of(  # noqa: PLR0913  # a fact has as many parts
    event: Event,
    *,
    position: int,
    stream: UUID,
    origin: UUID | None,
    occurred_at: datetime,
    recorded_at: datetime,
    **about: Any,
) -> Fact:
    """Return a fact that the site of a shop said, unless something else is said `about` it."""
    told: dict[str, Any] = {
        "version": position,
        "shop": "shop",
        "source": "site",
        "subject": origin,
        "actor_kind": "key",
        "actor_id": "1",
        "correlation": "",
        "causation": None,
        **about,
    }
    return Fact(
        position=position,
        stream=stream,
        type=event.stored.name,
        origin=origin,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        event=event,
        **told,
    )
