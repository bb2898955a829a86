"""The table of access is what the doors do: for every route, every role and every scope."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from api.access import SIGHT, TABLE, Operation, Sight, rights
from api.app import ROUTERS, create_app
from api.queries import freshness
from api.security import NoEntry
from api.services import Services
from infra.keys import Role, Scope
from tests.api.test_every_route import filled

WITH_KEYS = {name for name, entry in TABLE.items() if not entry.open}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freshness, "PATIENCE", 0)


def doors_that_open(client: TestClient) -> set[str]:
    """Knock at every door with nothing in hand; tell where it was not said that one may not."""
    opened = set()
    for name in WITH_KEYS:
        method, _, path = name.partition(" ")
        answer = client.request(method, filled(path))
        assert answer.status_code != 401, name
        if answer.status_code != 403:
            opened.add(name)
            continue
        if path.startswith("/api"):
            assert_told(answer.json(), name)
    return opened


def assert_told(refusal: dict[str, Any], name: str) -> None:
    """Check that a refusal says which scope and which roles would do."""
    assert refusal["scope"] in " or ".join(TABLE[name].needed), name
    assert refusal["roles"] == list(TABLE[name].allowed), name


@pytest.mark.parametrize("role", Role)
def test_a_role_opens_what_the_table_says(
    role: Role, with_roles: Callable[..., TestClient]
) -> None:
    expected = {name for name, entry in TABLE.items() if role in entry.allowed or entry.anybody}
    assert doors_that_open(with_roles(role)) == expected


@pytest.mark.parametrize("scope", Scope)
def test_a_scope_opens_what_the_table_says(
    scope: Scope, with_scopes: Callable[..., TestClient]
) -> None:
    expected = {
        name
        for name, entry in TABLE.items()
        if entry.anybody or (scope in entry.scopes and not entry.whole)
    }
    assert doors_that_open(with_scopes(scope)) == expected


def test_roles_and_scopes_add_up() -> None:
    singles: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
        *(((role,), ()) for role in Role),
        *(((), (scope,)) for scope in Scope),
    ]
    for (roles, scopes), (more_roles, more_scopes) in combinations(singles, 2):
        both = rights(roles + more_roles, scopes + more_scopes)
        assert both.keys() >= rights(roles, scopes).keys() | rights(more_roles, more_scopes).keys()


def test_a_service_with_a_route_that_the_table_does_not_name_does_not_start(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(TABLE):
        with monkeypatch.context() as without:
            without.delitem(TABLE, name)
            with pytest.raises(NoEntry):
                create_app(services)


def test_a_service_with_a_route_that_came_later_does_not_start(services: Services) -> None:
    app = create_app(services)
    router = APIRouter()
    router.add_api_route("/api/later", lambda: "unguarded")
    app.router.routes += router.routes
    with pytest.raises(NoEntry, match="/api/later"), TestClient(app):
        pass


def test_the_table_names_no_route_that_there_is_not() -> None:
    there = {
        f"{method} {route.path}"  # type: ignore[attr-defined]  # each of ours has one
        for router in ROUTERS
        for route in router.routes
        for method in route.methods  # type: ignore[attr-defined]
    }
    others = {"GET /openapi.json", "POST /v1/{kind}", "OPTIONS /v1/{kind}"}
    assert set(TABLE) == there | others


def test_each_role_and_scope_is_for_something() -> None:
    for role in Role:
        assert rights((role,), ()), role
    assert set(SIGHT) == set(Role)
    for scope in set(Scope) - {Scope.PERSONAL}:
        assert len(rights((), (scope,))) > len(rights((), ())), scope


def test_who_may_see_persons_whole_is_a_short_list() -> None:
    reasons = {name for name, entry in TABLE.items() if entry.reveals}
    assert reasons == {"POST /api/customers/{id}/reveal"}

    def whole(role: Role) -> set[str]:
        return {n for n, sight in rights((role,), ()).items() if sight is Sight.WHOLE} - reasons

    assert [role for role in Role if whole(role)] == [Role.PRIVACY_OFFICER]
    served = {role for role in Role if Sight.SERVED in rights((role,), ()).values()}
    assert served == {Role.AGENT}
    assert set(rights((), (Scope.QUERY,)).values()) == {Sight.MASKED}
    assert set(rights((), (Scope.QUERY, Scope.PERSONAL)).values()) == {Sight.WHOLE}


def test_who_asks_about_many_serves_none_of_them() -> None:
    entry = Operation(roles=(Role.AGENT,), shows=("name",))
    assert entry.sight((Role.AGENT,), ()) is Sight.SERVED
    many = Operation(roles=(Role.AGENT,), shows=("name",), many=True)
    assert many.sight((Role.AGENT,), ()) is Sight.MASKED


def test_those_who_answer_for_history_do_not_write_it() -> None:
    asked = {"POST /api/audit/verify/{view}", "POST /api/customers/look-up"}
    for role in (Role.ANALYST, Role.AUDITOR):
        written = {name for name in rights((role,), ()) if not name.startswith("GET ")}
        assert written <= asked


def test_the_document_says_which_scopes_are_enough_and_which_only_together(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    dossier = paths["/api/customers/{id}/dossier"]["get"]["security"]
    assert dossier == [{"key": ["audit", "personal"]}]
    assert paths["/api/refused"]["get"]["security"] == [{"key": ["audit"]}, {"key": ["admin"]}]
