"""Two sources that sent a message each, and had one refused."""

import pytest
from starlette.testclient import TestClient

from api.services import Services
from infra.settings import Settings
from infra.signing import Signer
from tests.keys import make_key

NOT_TAKEN = {"userId": "42", "event": "Order Completed", "messageId": "bad"}


@pytest.fixture
def signer(settings: Settings) -> Signer:
    return Signer.beside(settings.keyring_file)


@pytest.fixture
def url(settings: Settings) -> str:
    assert settings.log_url is not None
    return settings.log_url


@pytest.fixture
def sent(stranger: TestClient, services: Services) -> dict[str, int]:
    """Positions of a message of each of two sources; each had one refused too."""
    positions = {}
    for source in ("site", "erp"):
        _, secret = make_key(services.settings.log_url, source, "ingest", source=source)
        client = TestClient(stranger.app, headers={"Authorization": f"Bearer {secret}"})
        message = {"userId": "42", "event": "Products Searched", "messageId": f"m-{source}"}
        taken = client.post("/v1/track", json=message).json()
        assert taken["success"]
        positions[source] = taken["results"][0]["position"]
        assert not client.post("/v1/track", json=NOT_TAKEN).json()["success"]
    first = {fact.source: fact.position for fact in reversed(services.reader.read(0, 100))}
    return {source: first[source] for source in positions}
