"""The log as a recorder of the library `eventsourcing`: saved in one append, selected in order."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    IntegrityError,
    NotSupportedError,
    StoredEvent,
    Tracking,
)

from domain.shared.log import Append, Asked, Heard, Idempotency, Receipt, StreamMoved
from infra.event_store.mapper import Kept, Saved
from infra.event_store.reader import LogReader
from infra.event_store.subscription import LogSubscription
from infra.event_store.writer import EventLog

_COLUMNS: Final = "stream, version, type, body, position, type_version, origin, occurred_at, shop"
"""The fields of `Kept`, in their order."""
_TYPE: Final = 2
_ORIGIN: Final = 6

_DECIDED_ON: Final = "type not like 'activity.%%'"
"""What the index of streams holds: nobody decides on behaviour."""
_STREAM: Final = (
    f"select {_COLUMNS} from log.fact where stream = %s and {_DECIDED_ON} "  # noqa: S608  # constants
    "and version > %s and version <= %s order by version"
)
_CUSTOMER: Final = f"""
select {_COLUMNS} from log.fact where {_DECIDED_ON} and stream = any(array(
  with customer (id) as (
    select coalesce(
      (select customer from log.membership where identity = %s and until is null), %s)
  )
  select id from customer
  union all
  select m.identity from log.membership m join customer c on m.customer = c.id
  where m.until is null
)) order by position
"""  # noqa: S608  # constants
_NOTIFICATIONS: Final = (
    f"select {_COLUMNS} from log.fact where position >= %s and position <= %s "  # noqa: S608  # constants
    "order by position limit %s"
)
_OF_TOPICS: Final = (
    f"select {_COLUMNS} from log.fact where position >= %s and position <= %s "  # noqa: S608  # constants
    "and type = any(%s) order by position limit %s"
)
_LAST_VERSION: Final = 2**31 - 1
_LAST_POSITION: Final = 2**63 - 1


class LogRecorder(ApplicationRecorder):
    """Saves to the log and selects from it. A notification's id is its fact's position."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._reader: LogReader = log.reader

    def insert_events(  # type: ignore[override]  # a fact says who, in which shop
        self,
        stored_events: Sequence[StoredEvent],
        *,
        asked: Asked,
        occurred_at: datetime,
        expected: dict[UUID, int] | None = None,
        heard: Heard | None = None,
        idempotency: Idempotency | None = None,
        receive: Callable[[Receipt], None] | None = None,
        tracking: Tracking | None = None,
    ) -> Sequence[int] | None:
        """Record them in one append, whole or not at all; return their positions.

        `occurred_at` is of the events that have none of their own; the rest is as in an Append.
        Without `expected`, each stream must be where its first event says. `receive` is called with
        the receipt, in place of an answer. Raises IntegrityError when a stream has moved, and what
        Log.append does.
        """
        if tracking is not None:
            msg = "the log keeps no tracking records: a follower keeps its place beside its rows"
            raise NotSupportedError(msg)
        saved: Sequence[Saved] = stored_events  # type: ignore[assignment]  # the mapper's
        append = Append(
            facts=tuple([event.draft(occurred_at) for event in saved]),
            actor=asked.actor,
            shop=asked.shop,
            source=asked.source,
            correlation=asked.correlation,
            causation=asked.causation,
            expected=_expected(saved) if expected is None else expected,
            heard=heard,
            idempotency=idempotency,
        )
        try:
            receipt = self._log.append(append)
        except StreamMoved as moved:
            raise IntegrityError(str(moved)) from moved
        if receive is not None:
            receive(receipt)
            return None
        if receipt.position is None or receipt.recorded != len(saved):
            return None  # kept before, or kept with facts about who is who between them
        return range(receipt.position - receipt.recorded + 1, receipt.position + 1)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[Kept]:
        asked = (originator_id, gt or 0, _LAST_VERSION if lte is None else lte)
        if not desc and limit is None:
            return _select(self._reader, _STREAM, asked)
        query = f"{_STREAM} {'desc' if desc else ''} limit %s"
        return _select(self._reader, query, (*asked, limit))

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Kept]:
        first = (start or 0) + (0 if inclusive_of_start else 1)
        last = _LAST_POSITION if stop is None else stop
        if topics:
            return _select(self._reader, _OF_TOPICS, (first, last, list(topics), limit))
        return _select(self._reader, _NOTIFICATIONS, (first, last, limit))

    def max_notification_id(self) -> int | None:
        return self._reader.last() or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> LogSubscription:
        """Return what follows the log; use it as a context manager, or stop it."""
        return LogSubscription(self, self._reader.listen, gt, topics)


class CustomerRecorder(AggregateRecorder):
    """Selects the events of all streams of a customer, by any of their identities, in order."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader

    def insert_events(self, *_: Any, **__: Any) -> None:
        """Refuse: events are saved by LogRecorder."""
        raise NotSupportedError

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[Kept]:
        if gt is not None or lte is not None or desc or limit is not None:
            raise NotSupportedError("streams have no version in common")
        return _select(self._reader, _CUSTOMER, (originator_id, originator_id))


def _expected(saved: Sequence[Saved]) -> dict[UUID, int]:
    """Return where each stream must be for these to be its next, one after the other."""
    expected: dict[UUID, int] = {}
    versions: dict[UUID, int] = {}
    for event in saved:
        if event.decided.first:
            continue
        stream = event.decided.originator_id
        last = versions.get(stream)
        if last is None:
            expected[stream] = event.originator_version - 1
        elif event.originator_version != last + 1:
            msg = f"version {event.originator_version} of {stream} comes after {last}"
            raise IntegrityError(msg)
        versions[stream] = event.originator_version
    return expected


def _select(reader: LogReader, query: LiteralString, asked: Sequence[Any]) -> Sequence[Kept]:
    rows = reader.rows(query, asked, type_at=_TYPE, origin_at=_ORIGIN)
    return [Kept(*row) for row in rows]
