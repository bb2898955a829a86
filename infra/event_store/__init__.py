"""The log in Postgres: appended in groups under one lock, read in order."""

from infra.event_store.reader import LogReader
from infra.event_store.writer import EventLog

__all__ = ["EventLog", "LogReader"]
