"""Facts as the library `eventsourcing` stores events: topic is the stored name, state the body."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import JSONTranscoder, Mapper, Notification, StoredEvent

from domain.shared.aggregate import Decided, Told
from domain.shared.events import decode
from domain.shared.personal import Sealer


@dataclass(frozen=True)
class Saved(StoredEvent):
    """An event on its way into the log, which seals it: the state is not made before."""

    decided: Decided


@dataclass(frozen=True)
class Kept(Notification):
    """A fact as it stands in the log: its body, and what it takes to read it."""

    type_version: int
    origin: UUID | None
    occurred_at: datetime


class FactMapper(Mapper[UUID]):
    """Reads facts of every version as the present one; personal fields opened, or ERASED."""

    def __init__(self, sealer: Sealer | None) -> None:
        super().__init__(JSONTranscoder())  # asked for, never used: an event has its own codec
        self._sealer = sealer

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        decided: Decided = domain_event  # type: ignore[assignment]  # roots decide nothing else
        return Saved(
            decided.originator_id,
            decided.originator_version,
            decided.event.stored.name,
            b"",
            decided,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Told:
        """Return the event of what the recorder selected. Raises UnknownFact."""
        kept: Kept = stored_event  # type: ignore[assignment]  # the recorder selects nothing else
        event = decode(
            kept.topic,
            kept.type_version,
            kept.state,
            kept.originator_id,  # type: ignore[arg-type]  # UUIDs alone
            kept.origin,
            self._sealer,
        )
        return Told(
            kept.originator_id,  # type: ignore[arg-type]  # UUIDs alone
            kept.originator_version,
            event,
            kept.occurred_at,
            kept.id,
        )
