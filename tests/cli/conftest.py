"""A second home, where the first one's disk was lost."""

from pathlib import Path

import pytest

from tests.cli.running import Installation


@pytest.fixture
def another(server_folder: Path) -> Installation:
    (server_folder / "two").mkdir()
    return Installation(server_folder / "two")
