"""A privacy desk, at which keys are let go of sooner than anywhere else."""

from collections.abc import Iterator

import pytest

from consumers.erasure import carrying_out
from infra.settings import Settings
from tests.consumers.erasure.asked import Privacy, privacy
from tests.projections.runtime.shop import Shop


@pytest.fixture
def desk(shop: Shop, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Privacy]:
    monkeypatch.setattr(carrying_out, "FORGOTTEN_WITHIN_SECONDS", 0.5)
    with privacy(shop, settings) as opened:
        yield opened
