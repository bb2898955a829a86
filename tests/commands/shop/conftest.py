"""A shop for each test."""

import pytest

from tests.commands.shop.shops import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()
