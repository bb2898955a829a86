"""Requests at the door: ids, keys, errors, health."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from api.access import TABLE, Operation, rights
from api.door import is_slow
from api.security import guarded
from api.services import Services
from domain.shared.log import LogUnavailable, StreamMoved
from domain.shared.refusals import NotFound, Refused
from infra.keys import Scope
from tests.keys import make_key, revoke_key


class Body(BaseModel):
    """What the trial route takes."""

    amount: int


class TooMuch(Refused):
    """{amount} is more than {most}."""


@pytest.fixture
def app(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    router = APIRouter(prefix="/api/trial")

    @router.post("/amount", max_body_size=1000)
    def amount(body: Body) -> int:
        if body.amount > 10:
            raise TooMuch(amount=body.amount, most=10)
        return body.amount

    @router.get("/error/{name}")
    def error(name: str) -> None:
        raise {
            "missing": NotFound(what="customer", id="7"),
            "moved": StreamMoved(),
            "unavailable": LogUnavailable(),
            "broken": ZeroDivisionError("secret details"),
        }[name]

    trial = {"POST /api/trial/amount", "GET /api/trial/error/{name}"}
    entry = Operation(scopes=(Scope.COMMAND,))
    for operation in trial:
        monkeypatch.setitem(TABLE, operation, entry)
    rights.cache_clear()
    app.router.routes += map(guarded, router.routes)
    yield app
    rights.cache_clear()


@pytest.fixture
def client(with_scopes: Callable[..., TestClient]) -> TestClient:
    return with_scopes("command")


def test_health_needs_no_key(stranger: TestClient) -> None:
    assert stranger.get("/health").json() == {"status": "alive"}


def test_ready_says_what_works(stranger: TestClient) -> None:
    answer = stranger.get("/ready")
    assert answer.status_code == 200
    assert set(answer.json()["checks"].values()) == {"ok"}
    assert answer.json()["to_rebuild"] == []


def test_ready_says_what_is_missing(stranger: TestClient, services: Services) -> None:
    services.views.close()
    answer = stranger.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"log": "ok", "views": "PoolClosed"}


def test_what_a_browser_asks_for_by_itself_is_neither_refused_nor_told(
    stranger: TestClient, with_scopes: Callable[..., TestClient]
) -> None:
    with capture_logs() as told:
        assert stranger.get("/favicon.ico").status_code == 204
    assert told == []
    text = with_scopes("metrics").get("/metrics").text
    assert 'route="/favicon.ico",status="204"' in text
    assert "huike_refusals_total{" not in text


def test_metrics_count_requests_by_route(
    stranger: TestClient, with_scopes: Callable[..., TestClient]
) -> None:
    stranger.get("/api/trial/error/missing")
    text = with_scopes("metrics").get("/metrics").text
    assert 'huike_refusals_total{reason="no-key"} 1.0' in text
    assert "huike_http_request_seconds" in text


def test_metrics_know_the_route_of_the_openapi_document(
    with_scopes: Callable[..., TestClient],
) -> None:
    watcher = with_scopes("metrics")
    watcher.get("/openapi.json")
    text = watcher.get("/metrics").text
    assert 'route="/openapi.json"' in text
    assert "no such route" not in text


def test_without_a_key_nobody_comes_in(stranger: TestClient) -> None:
    answer = stranger.post("/api/trial/amount", content="{broken")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:huike:problem:no-key",
        "title": "No key",
        "status": 401,
        "detail": "Show an API key: `Authorization: Bearer hk_...`.",
        "instance": f"urn:huike:request:{answer.headers['X-Request-ID']}",
        "request_id": answer.headers["X-Request-ID"],
    }


@pytest.mark.parametrize("shown", ["Bearer hk_wrong", "Basic aGtfd3Jvbmc6", "bearer  hk_x "])
def test_a_wrong_key_does_not_open(stranger: TestClient, shown: str) -> None:
    answer = stranger.get("/api/trial/error/missing", headers={"Authorization": shown})
    assert answer.status_code == 401
    assert answer.json()["title"] == "Wrong key"


@pytest.mark.parametrize(
    "shown",
    ["", "Bearer", "Bearer ", "Basic", "Basic !!", "Basic /////w==", "Basic \xff", "Digest x"],
)
def test_what_is_no_key_is_told_how_to_show_one(stranger: TestClient, shown: str) -> None:
    authorization = shown.encode("latin-1")
    answer = stranger.get("/api/trial/error/missing", headers={b"Authorization": authorization})
    assert answer.status_code == 401
    assert answer.json()["title"] == "No key"


def test_a_revoked_key_does_not_open(client: TestClient, services: Services) -> None:
    assert client.post("/api/trial/amount", json={"amount": 1}).json() == 1
    revoke_key(services.settings.log_url, "a test")
    assert client.post("/api/trial/amount", json={"amount": 1}).status_code == 401


def test_a_key_may_be_basics_user_name(stranger: TestClient, services: Services) -> None:
    _, secret = make_key(services.settings.log_url, "curl", "command")
    answer = stranger.post("/api/trial/amount", json={"amount": 1}, auth=(secret, ""))
    assert answer.json() == 1


def test_a_missing_scope_is_named(with_scopes: Callable[..., TestClient]) -> None:
    answer = with_scopes("query", "audit").post("/api/trial/amount", json={"amount": 1})
    assert answer.status_code == 403
    assert answer.json()["scope"] == "command"
    assert answer.json()["detail"] == (
        "The API key has neither the scope command nor a role that may do this."
    )
    assert answer.json()["roles"] == []


def test_a_refusal_is_a_409_with_its_numbers(client: TestClient) -> None:
    answer = client.post("/api/trial/amount", json={"amount": 11})
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["type"] == "urn:huike:problem:too-much"
    assert problem["title"] == "Too much"
    assert problem["detail"] == "11 is more than 10."
    assert (problem["amount"], problem["most"]) == (11, 10)


@pytest.mark.parametrize(
    ("content", "pointer"),
    [("{", "body/1"), ('{"amount": "many"}', "body/amount"), ("{}", "body/amount"), ("", "body")],
)
def test_what_is_malformed_is_a_422_that_says_where(
    client: TestClient, content: str, pointer: str
) -> None:
    json = {"Content-Type": "application/json"}
    answer = client.post("/api/trial/amount", content=content, headers=json)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("name", "status", "header"),
    [("missing", 404, None), ("moved", 409, None), ("unavailable", 503, "Retry-After")],
)
def test_each_refusal_has_its_status(
    client: TestClient, name: str, status: int, header: str | None
) -> None:
    answer = client.get(f"/api/trial/error/{name}")
    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert header is None or header in answer.headers


def test_a_fault_of_ours_tells_nothing_but_where_to_look(client: TestClient) -> None:
    with capture_logs():  # the trace is long
        answer = client.get("/api/trial/error/broken", headers={"X-Request-ID": "0" * 32})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["request_id"] == "0" * 32


def test_a_body_may_not_be_too_large(client: TestClient) -> None:
    answer = client.post("/api/trial/amount", json={"amount": 1, "more": "x" * 2000})
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_unknown_route_is_a_problem_too(client: TestClient) -> None:
    assert client.get("/api/nowhere").headers["Content-Type"] == "application/problem+json"
    assert client.put("/api/trial/amount").status_code == 405


@pytest.mark.parametrize(
    "given",
    [
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "4BF92F35-77B3-4DA6-A3CE-929D0E0E4736",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ],
)
def test_a_request_id_that_can_name_nobody_is_kept(stranger: TestClient, given: str) -> None:
    answer = stranger.get("/health", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize(
    "given", ["", "a b", "0" * 200, "<script>", "ada.lovelace", "ada", "447-9460018", "b" * 31]
)
def test_any_other_request_gets_an_id(stranger: TestClient, given: str) -> None:
    made = stranger.get("/health", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert len(made) == 32


def test_the_documentation_loads_nothing_from_elsewhere(client: TestClient) -> None:
    assert client.get("/docs").status_code == 404
    assert client.get("/openapi.json").json()["info"]["title"] == "Huike"


@pytest.mark.parametrize(
    ("seconds", "brought", "slow"),
    [(0.9, b"", False), (1.1, b"", True), (1.1, b"400000", False), (5.1, b"400000", True)],
)
def test_a_batch_may_take_longer_before_it_is_called_slow(
    seconds: float, brought: bytes, *, slow: bool
) -> None:
    headers = [(b"content-length", brought)] if brought else []
    assert is_slow(seconds, {"type": "http", "headers": headers}) is slow


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/api", "/api/", "/nowhere"])
def test_nothing_but_health_is_told_to_strangers(stranger: TestClient, path: str) -> None:
    assert stranger.get(path).status_code == 401
