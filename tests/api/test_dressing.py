"""Every answer, whatever it is, says what browsers and proxies may not do with it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from api.access import TABLE, Operation, rights
from api.dressing import SAFE
from api.security import guarded
from infra.keys import Scope

BROKEN = "GET /api/broken"


@pytest.fixture
def app(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    router = APIRouter()

    @router.get("/api/broken")
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(TABLE, BROKEN, Operation(scopes=(Scope.QUERY,)))
    rights.cache_clear()
    app.router.routes += map(guarded, router.routes)
    yield app
    rights.cache_clear()


ASKED: list[tuple[int, str, str, dict[str, Any]]] = [
    (200, "GET", "/health", {}),
    (401, "GET", "/api/customers", {"headers": {"Authorization": "Bearer hk_none"}}),
    (403, "GET", "/api/audit/facts", {}),
    (404, "GET", "/api/nowhere", {}),
    (404, "GET", "/api/customers/", {"follow_redirects": False}),
    (405, "DELETE", "/api/campaigns", {}),
    (422, "GET", "/api/customers?limit=none", {}),
    (500, "GET", "/api/broken", {}),
    (200, "POST", "/v1/track", {"json": {"userId": "ada", "event": "Tea Drunk"}}),
    (400, "POST", "/v1/track", {"content": b"{"}),
    (415, "POST", "/v1/track", {"content": b"x", "headers": {"Content-Type": "image/png"}}),
    (404, "POST", "/v1/none", {"json": {}}),
]


@pytest.mark.parametrize(
    ("status", "method", "path", "more"), ASKED, ids=[f"{s} {m} {p}" for s, m, p, _ in ASKED]
)
def test_it_is_not_kept_framed_sniffed_or_told_of(
    status: int,
    method: str,
    path: str,
    more: dict[str, Any],
    with_scopes: Callable[..., TestClient],
) -> None:
    answer = with_scopes("query", "ingest").request(method, path, **more)
    assert answer.status_code == status, answer.text
    for name, value in (*SAFE, (b"x-request-id", None)):
        (given,) = answer.headers.get_list(name.decode())
        assert value is None or given == value.decode(), name


def test_a_page_says_what_it_needs_itself(stranger: TestClient) -> None:
    headers = stranger.get("/forget-me").headers
    for name, _ in SAFE:
        assert len(headers.get_list(name.decode())) == 1, name
    assert "style-src 'sha256-" in headers["Content-Security-Policy"]


def test_what_is_asked_twice_over_is_not_answered(with_scopes: Callable[..., TestClient]) -> None:
    client = with_scopes("query", "audit")
    answer = client.get("/api/customers?limit=1&limit=2")
    assert answer.status_code == 422
    assert "query/limit" in answer.json()["detail"]
    several = "/api/audit/facts?type=order.paid&type=order.placed"
    assert client.get(several).status_code == 200


def test_a_command_that_does_not_say_that_it_is_json_is_refused(
    with_scopes: Callable[..., TestClient],
) -> None:
    """A form of another site can send text/plain, and no browser asks first."""
    body = b'{"user": "ada"}'
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        sent = {"Content-Type": media}
        answer = with_scopes("command").post("/api/customers", content=body, headers=sent)
        assert answer.status_code == 422, media
