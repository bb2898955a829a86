"""A shop on a real log and its lifecycle view on a real Postgres."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.projections.runtime.shop import Shop


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with Shop.open(database_url, tmp_path / "keyring.json") as shop:
        yield shop
