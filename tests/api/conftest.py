"""The application on a real database, in this process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.services import Services
from infra.settings import Settings

Client = TestClient


@pytest.fixture
def services(database_url: str, tmp_path: Path) -> Iterator[Services]:
    settings = Settings(log_url=database_url, home=tmp_path, slots=4)
    with Services(settings) as opened:
        yield opened


@pytest.fixture
def app(services: Services) -> FastAPI:
    return create_app(services)


@pytest.fixture
def stranger(app: FastAPI) -> Iterator[TestClient]:
    """Somebody without a key."""
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def with_scopes(stranger: TestClient, services: Services) -> Callable[..., TestClient]:
    """Make a client whose key has these scopes."""

    def make(*scopes: str) -> TestClient:
        _, secret = services.keys.add("a test", scopes)
        client = TestClient(stranger.app, raise_server_exceptions=False)
        client.headers["Authorization"] = f"Bearer {secret}"
        return client

    return make
