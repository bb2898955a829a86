"""What holds for every route: who may, what it says of itself, and how it refuses."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from api import errors, refused, turned_away
from api.access import KEYLESS
from api.app import ROUTERS
from api.queries import freshness
from infra.keys import Scope

VALUES = {
    "id": str(uuid4()),
    "recipient": str(uuid4()),
    "channel": "email",
    "view": "none",  # a verification would be a job
    "field": "net",
    "kind": "track",
}


def routes() -> Iterator[tuple[str, str]]:
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for method in route.methods or ():
                yield method, route.path


GUARDED = sorted(route for route in routes() if route[1] not in KEYLESS)


def filled(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda m: VALUES.get(m[1], "x"), path)


@pytest.fixture
def openapi(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def operations(openapi: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_nothing_answers_without_a_key_but_health(stranger: TestClient) -> None:
    for method, path in GUARDED:
        answer = stranger.request(method, filled(path))
        assert answer.status_code == 401, (method, path, answer.text)
        assert answer.headers["WWW-Authenticate"], (method, path)
        assert answer.headers["Content-Type"] == "application/problem+json", (method, path)


def test_no_route_breaks_on_an_empty_request(
    with_scopes: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "PATIENCE", 0)
    client = with_scopes(*Scope)
    for method, path in GUARDED:
        answer = client.request(method, filled(path))
        assert answer.status_code < 500 or answer.status_code in {503, 504}, (method, path)
        assert answer.headers["X-Request-ID"], (method, path)


def test_what_is_open_needs_no_key(stranger: TestClient) -> None:
    for path in KEYLESS:
        assert stranger.get(path).is_success, path


def test_every_operation_says_what_it_is_for(openapi: dict[str, Any]) -> None:
    for name, operation in operations(openapi):
        assert operation.get("summary"), name
        assert operation.get("description"), name
        assert operation.get("tags"), name


def test_every_operation_says_how_it_succeeds_by_an_example(openapi: dict[str, Any]) -> None:
    for name, operation in operations(openapi):
        good = [r for status, r in operation["responses"].items() if status.startswith("2")]
        assert good, name
        if "/api/" not in name or "/api/refused" in name:
            continue
        examples = [
            media for r in good for media in r.get("content", {}).values() if "example" in media
        ]
        assert examples, name


def test_an_example_shows_what_is_null_too(openapi: dict[str, Any]) -> None:
    answer = openapi["paths"]["/api/refused/{id}"]["get"]["responses"]["200"]
    assert answer["content"]["application/json"]["example"] == refused.EXAMPLE
    assert None in refused.EXAMPLE.values()


def test_every_guarded_operation_names_its_scheme_and_errors(openapi: dict[str, Any]) -> None:
    schemes = openapi["components"]["securitySchemes"]
    assert schemes["key"]["scheme"] == "bearer"
    for name, operation in operations(openapi):
        if "/api/" in name:
            assert operation.get("security"), name
        if operation.get("security"):  # /metrics too
            assert {"401", "403"} <= set(operation["responses"]), name


def test_errors_are_documented_as_problems(openapi: dict[str, Any]) -> None:
    for name, operation in operations(openapi):
        for status, answer in operation["responses"].items():
            if "/api/" in name and status.startswith(("4", "5")):
                assert list(answer["content"]) == ["application/problem+json"], (name, status)


def test_every_status_that_a_refusal_has_is_documented_where_it_can_be_met(
    openapi: dict[str, Any],
) -> None:
    documented: set[int] = set()
    for name, operation in operations(openapi):
        told = {int(status) for status in operation["responses"]}
        method, _, path = name.partition(" ")
        if path.startswith("/v1/"):
            elsewhere = {turned_away.STATUS[turned_away.NoSuchDoor]}
            assert told == {200, *turned_away.STATUS.values()} - elsewhere, name
        elif "/api/" in name:
            documented |= told
            body = "requestBody" in operation
            assert {500, 503} <= told, name
            assert ({408, 413} <= told) == body, name
            assert (400 in told) == ("{" in path), name
            if method != "GET" and not path.startswith(("/api/audit", "/api/customers/look-up")):
                assert 507 in told, name
    assert set(errors.STATUS.values()) <= documented


def test_operations_have_names_of_their_own(openapi: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(openapi)]
    assert len(ids) == len(set(ids))


def test_bodies_are_shown_by_examples(openapi: dict[str, Any]) -> None:
    schemas = openapi["components"]["schemas"]
    for name, schema in schemas.items():
        if schema.get("type") == "object" and not schema.get("description"):
            pytest.fail(f"{name} does not say what it is")
    assert "HTTPValidationError" not in schemas


def test_a_question_with_a_parameter_that_is_not_taken_is_refused(
    with_scopes: Callable[..., TestClient],
) -> None:
    client = with_scopes(*Scope)
    for method, path in GUARDED:
        if method == "GET" and path != "/metrics":
            answer = client.get(filled(path), params={"known_att": "2026-01-01"})
            assert answer.status_code == 422, (path, answer.text)
            assert "query/known_att" in answer.text, path


def test_what_is_made_links_to_all_that_is_told_and_done_of_it(openapi: dict[str, Any]) -> None:
    paths = openapi["paths"]
    operations = {op["operationId"]: path for path, ops in paths.items() for op in ops.values()}
    makes = {
        path: ops["post"]["responses"]["201"]
        for path, ops in paths.items()
        if "201" in ops.get("post", {}).get("responses", {})
    }
    assert set(makes) == {
        f"/api/{noun}" for noun in ("campaigns", "customers", "orders", "tickets")
    }
    for path, made in makes.items():
        linked = {operations[link["operationId"]] for link in made["links"].values()}
        of_one = {f"{path}/{{id}}", f"{path.replace('/api/', '/api/audit/')}/{{id}}"}
        assert linked == {place for place in paths if place.startswith(tuple(of_one))}
