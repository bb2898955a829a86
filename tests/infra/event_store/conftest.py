"""A log that is written."""

from collections.abc import Iterator

import pytest

from infra.event_store import EventLog
from infra.sealing import PersonKeys


@pytest.fixture
def event_log(database_url: str, keys: PersonKeys) -> Iterator[EventLog]:
    opened = EventLog(database_url, keys)
    yield opened
    opened.close()
