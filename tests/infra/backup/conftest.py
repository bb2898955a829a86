"""A small shop whose log is backed up, and an empty database to restore it into."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.backup.key import BackupKey
from infra.installation import prepare
from tests.infra.backup.backups import Backups
from tests.projections.runtime.shop import Shop


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    """Give a shop of 25 facts, with a visitor who was recognised."""
    keyring = tmp_path / "keyring.json"
    prepare(database_url, keyring)
    with Shop.open(database_url, keyring) as shop:
        for n in range(20):
            shop.pay(f"user{n % 5}", f"o{n}", n)
        shop.email("user1", "one@example.com")
        shop.email("user2", "two@example.com")
        shop.email(None, "v@example.com", visitor="v1")
        shop.recognise("v1", "user1")
        yield shop


@pytest.fixture
def backups(shop: Shop, bare_database_url: str, tmp_path: Path) -> Backups:
    return Backups(
        shop=shop,
        key=BackupKey.make(tmp_path / "backup.key"),
        folder=tmp_path / "backups",
        target=bare_database_url,
        keyring=tmp_path / "restored" / "keyring.json",
    )
