"""A shop whose views are kept by real workers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.settings import Settings
from tests.projections.histories import SLOTS
from tests.projections.runtime.shop import Shop


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with Shop.open(database_url, tmp_path / "keyring.json") as shop:
        yield shop


@pytest.fixture
def settings(shop: Shop) -> Settings:
    return Settings(log_url=shop.url, keyring=shop.keyring, slots=SLOTS, kafka_bootstrap=None)
