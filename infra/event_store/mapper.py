"""Facts as the library `eventsourcing` stores events: topic is the stored name, state the body."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import JSONTranscoder, Mapper, Notification, StoredEvent

from domain.shared.aggregate import Decided, Told
from domain.shared.events import Unreadable
from domain.shared.log import Draft
from domain.shared.personal import Sealer
from infra.event_store.codec import event_of


class Saved(StoredEvent):
    """An event on its way into the log, which seals it: the state is not made before."""

    decided: Decided

    def __init__(self, decided: Decided) -> None:
        # frozen, and made for every event: so in one step
        self.__dict__.update(
            originator_id=decided.originator_id,
            originator_version=decided.originator_version,
            topic=decided.event.stored.name,
            state=b"",
            decided=decided,
        )

    def draft(self, occurred_at: datetime) -> Draft:
        """Return what is asked of the log. `occurred_at`: when it has no time of its own."""
        decided = self.decided
        return Draft(
            event=decided.event,
            occurred_at=decided.occurred_at or occurred_at,
            who=decided.who,
            stream=decided.originator_id,
            first=decided.first,
        )


@dataclass(frozen=True)
class Kept(Notification):
    """A fact as it stands in the log: its body, and what it takes to read it."""

    type_version: int
    origin: UUID | None
    occurred_at: datetime
    shop: str = ""


class FactMapper(Mapper[UUID]):
    """Reads facts of every version as the present one; personal fields opened, or ERASED."""

    def __init__(self, sealer: Sealer | None) -> None:
        super().__init__(JSONTranscoder())  # asked for, never used: an event has its own codec
        self._sealer = sealer

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        return Saved(domain_event)  # type: ignore[arg-type]  # roots decide nothing else

    def to_domain_event(self, stored_event: StoredEvent) -> Told:
        """Return the event of what the recorder selected. Raises UnreadableFact."""
        kept: Kept = stored_event  # type: ignore[assignment]  # the recorder selects nothing else
        event = event_of(
            kept.topic,
            kept.type_version,
            kept.state,
            kept.originator_id,  # type: ignore[arg-type]  # UUIDs alone
            kept.origin,
            self._sealer,
        )
        if isinstance(event, Unreadable):
            raise event.refused(kept.id, kept.topic)
        return Told(
            kept.originator_id,  # type: ignore[arg-type]  # UUIDs alone
            kept.originator_version,
            event,
            kept.occurred_at,
            kept.id,
            kept.shop,
            kept.origin,
        )
