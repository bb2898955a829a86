"""What shops tell later of somebody who was forgotten, and what is to be seen of it."""

from collections.abc import Callable
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from api.services import Services
from consumers.erasure import carrying_out
from consumers.erasure.due import carry_out_due
from domain.shared.events import Fact
from infra.postgres import VIEWS, connect
from infra.settings import Settings
from projections import catalogue
from projections.runtime.verify import Verifier
from tests.consumers.following import eventually


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    return settings.model_copy(update={"forgotten": getattr(request, "param", "nobody")})


@pytest.fixture
def site(with_scopes: Callable[..., TestClient]) -> TestClient:
    return with_scopes("ingest")


@pytest.fixture
def at_once(
    services: Services, settings: Settings, live: None, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Return settings by which people are forgotten without grace, while views are kept."""
    assert live is None
    monkeypatch.setattr(carrying_out, "FORGOTTEN_WITHIN_SECONDS", 0.5)
    services.settings = settings.model_copy(update={"erasure_days": 0, "erasure_order_days": 0})
    return services.settings


def tell(site: TestClient, *events: dict[str, Any]) -> list[str]:
    """Publish events; return what became of each: its status, or why it was refused."""
    numbered = [{"messageId": f"m{n}", **event} for n, event in enumerate(events)]
    answer = site.post("/v1/batch", json={"batch": numbered}).json()
    return [
        "duplicate" if result.get("duplicate") else result.get("reason") or result["status"]
        for result in answer["results"]
    ]


def forget(services: Services, user: str) -> UUID:
    identity = services.ids.user("shop", user)
    services.sealer.forget([identity])
    return identity


def certify(desk: TestClient, whose: UUID, settings: Settings) -> str:
    """Have somebody forgotten as they are by request; return the erasure, once it is certified."""
    erasure: str = desk.post(f"/api/customers/{whose}/erasure").json()["erasure"]

    def certified() -> bool:
        carry_out_due(settings)
        told: bool = desk.get(f"/api/erasures/{erasure}").json()["certified"]
        return told

    eventually(certified, "a certificate")
    return erasure


def facts(services: Services, after: int = 0) -> list[Fact]:
    return list(services.reader.read(after, 10_000))


def standing(desk: TestClient, whose: UUID, services: Services) -> Any:
    """Return what is shown of somebody, once the views have come to the log's head."""
    reached = {"position": services.reader.last()}
    return desk.get(f"/api/customers/{whose}", params=reached).json()


def differing(services: Services, settings: Settings) -> dict[str, int]:
    """Replay every view; return in how many rows it differs from what is served."""
    assert settings.log_url is not None
    found = {}
    with closing(connect(settings.log_url, VIEWS)) as connection:
        for view in catalogue.VIEWS.values():
            verifier = Verifier(connection, view, services.sealer, services.reader, settings.slots)
            found[view.name] = verifier.verify().different
    return {view: different for view, different in found.items() if different}
