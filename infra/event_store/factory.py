"""The log as what an application of the library `eventsourcing` stands on."""

from typing import Any

from eventsourcing.persistence import (
    AggregateRecorder,
    InfrastructureFactory,
    Mapper,
    NotSupportedError,
    ProcessRecorder,
    TrackingRecorder,
)

from infra.event_store.mapper import FactMapper
from infra.event_store.recorder import CustomerRecorder, LogRecorder
from infra.event_store.writer import EventLog


class LogFactory(InfrastructureFactory[TrackingRecorder]):
    """Hands the log to an application of the library."""

    def __init__(self, log: EventLog) -> None:
        super().__init__(None)
        self._log = log

    def mapper(self, *_: Any, **__: Any) -> Mapper[Any]:
        return FactMapper(self._log.reader.sealer)

    def application_recorder(self) -> LogRecorder:
        return LogRecorder(self._log)

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Return the recorder of single streams, or of "customers" over all of theirs."""
        if purpose == "customers":
            return CustomerRecorder(self._log.reader)
        return LogRecorder(self._log)

    def tracking_recorder(self, *_: Any) -> TrackingRecorder:
        """Refuse: followers keep their place beside their rows."""
        raise NotSupportedError

    def process_recorder(self) -> ProcessRecorder:
        """Refuse: followers keep their place beside their rows."""
        raise NotSupportedError
