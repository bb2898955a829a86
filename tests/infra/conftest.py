"""The keys of a database of the test's own, and the keyring that wraps them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.event_store import LogReader
from infra.keyring import Keyring
from infra.postgres import KEEPER, Pool, pool
from infra.sealing import PersonKeys


@pytest.fixture
def keeper(database_url: str) -> Iterator[Pool]:
    opened = pool(database_url, KEEPER)
    yield opened
    opened.close()


@pytest.fixture
def keyring(tmp_path: Path) -> Path:
    return tmp_path / "keyring.json"


@pytest.fixture
def ring(keyring: Path) -> Keyring:
    return Keyring.open(keyring)


@pytest.fixture
def keys(keeper: Pool, ring: Keyring) -> PersonKeys:
    return PersonKeys(keeper, ring)


@pytest.fixture
def reader(database_url: str, keys: PersonKeys) -> Iterator[LogReader]:
    opened = LogReader(database_url, keys)
    yield opened
    opened.close()
