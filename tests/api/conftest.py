"""The application on a real database, in this process."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.queries import freshness
from api.services import Services
from consumers.views import run_views
from infra.postgres import connect
from infra.settings import Settings
from projections.catalogue import VIEWS
from tests.conftest import database, run_sql
from tests.keys import make_key


@pytest.fixture
def database_url(postgres_url: str, template_with_views: str) -> Iterator[str]:
    with database(postgres_url, template_with_views) as url:
        name = urlsplit(url).path[1:]
        run_sql(url, "grant create on database {name} to huike_views", name=name)  # is not copied
        yield url


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(log_url=database_url, home=tmp_path, slots=4)


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
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
        _, secret = make_key(services.settings.log_url, "a test", *scopes)
        client = TestClient(stranger.app, raise_server_exceptions=False)
        client.headers["Authorization"] = f"Bearer {secret}"
        return client

    return make


@pytest.fixture
def with_roles(stranger: TestClient, services: Services) -> Callable[..., TestClient]:
    """Make a client whose key has these roles, and is called as `name` says, in a shop."""

    def make(*roles: str, name: str = "a test", shop: str = "shop") -> TestClient:
        _, secret = make_key(services.settings.log_url, name, roles=roles, shop=shop)
        client = TestClient(stranger.app, raise_server_exceptions=False)
        client.headers["Authorization"] = f"Bearer {secret}"
        return client

    return make


def begun(settings: Settings) -> bool:
    """Say whether a worker follows the log for every view."""
    assert settings.views_or_log_url is not None
    with closing(connect(settings.views_or_log_url)) as connection:
        views = {view for (view,) in connection.execute("select view from huike.freshness")}
    return views == set(VIEWS)


@pytest.fixture
def live(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep views that follow the log; a question waits for them however busy the machine is."""
    monkeypatch.setattr(freshness, "PATIENCE", 60.0)
    stop = threading.Event()
    worker = threading.Thread(target=run_views, args=(settings, stop), name="views")
    worker.start()
    while not begun(settings):
        assert worker.is_alive()
        time.sleep(0.02)
    yield
    stop.set()
    worker.join(timeout=30)
    assert not worker.is_alive()
