"""The one door to a real log."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.application import Crm
from commands.work import Command
from domain.shared.log import Receipt
from infra.event_store import EventLog, LogReader
from infra.event_store.factory import LogFactory
from infra.keyring import Keyring
from infra.postgres import KEEPER, pool
from infra.sealing import PersonKeys
from tests.commands.desk import IDS, LIN, NOON, Ask, Facts


@pytest.fixture
def keys(database_url: str, tmp_path: Path) -> Iterator[PersonKeys]:
    opened = pool(database_url, KEEPER)
    yield PersonKeys(opened, Keyring.open(tmp_path / "keyring.json"))
    opened.close()


@pytest.fixture
def event_log(database_url: str, keys: PersonKeys) -> Iterator[EventLog]:
    opened = EventLog(database_url, keys)
    yield opened
    opened.close()


@pytest.fixture
def facts(database_url: str, keys: PersonKeys) -> Iterator[Facts]:
    """Read everything in the log."""
    reader = LogReader(database_url, keys)
    yield lambda: reader.read(0, 1_000_000)
    reader.close()


@pytest.fixture
def crm(event_log: EventLog) -> Crm:
    return Crm(LogFactory(event_log), event_log, IDS, lambda: NOON)


@pytest.fixture
def ask(crm: Crm) -> Ask:
    """Ask for something as Lin, at the shop's desk."""

    def dispatch(command: Command, **how: Any) -> Receipt:
        return crm.dispatch(command, **{"actor": LIN, "shop": "shop", "source": "desk", **how})

    return dispatch
