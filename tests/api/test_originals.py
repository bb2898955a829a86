"""What a shop sent is kept whole, for auditors who may see persons."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from api.services import Services
from infra.postgres import KEEPER, connect
from infra.settings import Settings

SEARCHED = {
    "userId": "42",
    "event": "Products Searched",
    "messageId": "m1",
    "properties": {"query": "a cup for Ada"},
}


@pytest.fixture
def position(services: Services, with_scopes: Callable[..., TestClient]) -> int:
    """Where the message's first fact stands."""
    assert with_scopes("ingest").post("/v1/track", json=SEARCHED).json()["success"]
    return services.reader.read(0, 1)[0].position


def test_a_message_is_read_as_it_was_sent(
    position: int, with_scopes: Callable[..., TestClient]
) -> None:
    officer = with_scopes("audit", "personal")
    answer = officer.get(f"/api/audit/facts/{position}/original").json()
    assert answer["message"]["batch"] == [SEARCHED]
    assert (answer["shop"], answer["source"]) == ("shop", "site")
    assert officer.get(f"/api/audit/facts/{position + 1}/original").status_code == 404


@pytest.mark.parametrize("scopes", [("audit",), ("personal",), ("query", "admin")])
def test_nobody_else_reads_it(
    position: int, with_scopes: Callable[..., TestClient], scopes: tuple[str, ...]
) -> None:
    answer = with_scopes(*scopes).get(f"/api/audit/facts/{position}/original")
    assert answer.status_code == 403


def test_of_the_forgotten_it_is_not_read(position: int, settings: Settings) -> None:
    assert settings.log_url is not None
    with connect(settings.log_url, KEEPER) as keeper:
        keeper.execute("update keeper.person_key set wrapped = null, forgotten_at = now()")
    with Services(settings) as later:
        assert later.originals.find(position).message is None
