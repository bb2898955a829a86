"""The log is verified by its chain."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from consumers.verify import verify
from infra.settings import Settings
from tests.projections.runtime.shop import Shop


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with Shop.open(database_url, tmp_path / "keyring.json") as shop:
        for order in ("1", "2", "3"):
            shop.pay("ada", order, 20)
        yield shop


@pytest.fixture
def settings(shop: Shop) -> Settings:
    return Settings(log_url=shop.url, keyring=shop.keyring)


def test_a_log_as_it_was_recorded_is_whole(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(settings, "log") == 0
    assert "3 facts are as they were recorded" in capsys.readouterr().out


def test_a_row_changed_by_hand_is_found(
    shop: Shop, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(shop.url, autocommit=True) as owner:
        owner.execute("update log.fact set actor_id = 'nobody' where position = 2")
    assert verify(settings, "log") == 1
    assert "The chain breaks" in capsys.readouterr().out
