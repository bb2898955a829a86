"""Customers are found by what they say of themselves, without a word of it in an address."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from infra.keys import Role
from tests.api.shop import Shop, ask

pytestmark = pytest.mark.usefixtures("live")

LOOK_UP = "/api/customers/look-up"
PERSON = {"name": "Ada Lovelace", "email": "ada@example.com", "phone": "+44 20 7946 0018"}


@pytest.fixture
def shop(with_scopes: Callable[..., TestClient]) -> Shop:
    return Shop(with_scopes("command", "query"))


@pytest.fixture
def ada(shop: Shop) -> str:
    shop.customer("bob", person={"email": "bob@example.com"})
    return shop.customer("ada", person=PERSON)


def found(client: TestClient, shop: Shop, **by: Any) -> list[dict[str, Any]]:
    answer = client.post(LOOK_UP, json=by, params={"position": shop.position})
    assert answer.status_code == 200, answer.text
    customers: list[dict[str, Any]] = answer.json()["customers"]
    return customers


@pytest.mark.parametrize(
    "by", [{"email": " ADA@example.COM"}, {"phone": "+442079460018"}, {"user": "ada"}]
)
def test_they_are_found_however_it_is_written(
    shop: Shop, ada: str, by: dict[str, str], with_scopes: Callable[..., TestClient]
) -> None:
    (customer,) = found(with_scopes("query"), shop, **by)
    assert (customer["customer"], customer["masked"]) == (ada, True)
    assert "Lovelace" not in str(customer)
    (customer,) = found(with_scopes("query", "personal"), shop, **by)
    assert customer["name"] == "Ada Lovelace"


@pytest.mark.parametrize(
    "by", [{"email": "eve@example.com"}, {"email": ""}, {"phone": "none"}, {"user": "eve"}]
)
def test_nobody_is_found_where_there_is_nobody(
    shop: Shop, ada: str, by: dict[str, str], with_scopes: Callable[..., TestClient]
) -> None:
    assert ada
    assert found(with_scopes("query"), shop, **by) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "ada@example.com", "phone": "+442079460018"},
        {"email": None},
        {"name": "Ada Lovelace"},
        {"user": 7},
        {"email": "x" * 401},
        ["ada@example.com"],
    ],
)
def test_one_way_is_named_and_no_refusal_repeats_it(
    body: object, with_scopes: Callable[..., TestClient]
) -> None:
    answer = with_scopes("query").post(LOOK_UP, json=body)
    assert answer.status_code == 422
    for said in ("example.com", "Lovelace", "2079460018", "xxx"):
        assert said not in answer.text
    assert with_scopes("query").post(LOOK_UP, json={"email": "x" * 5_000}).status_code == 413


def test_whom_it_showed_is_written_down(
    shop: Shop, ada: str, with_roles: Callable[..., TestClient]
) -> None:
    found(with_roles(Role.PRIVACY_OFFICER), shop, email="ada@example.com")
    found(with_roles(Role.MARKETER), shop, email="ada@example.com")
    (read,) = ask(with_roles(Role.AUDITOR), "/audit/access")["reads"]
    assert read["operation"] == "POST /api/customers/look-up"
    assert read["customers"] == [ada]
    assert read["basis"] == "role privacy-officer"


def test_an_analyst_looks_nobody_up(with_roles: Callable[..., TestClient]) -> None:
    assert with_roles(Role.ANALYST).post(LOOK_UP, json={"user": "ada"}).status_code == 403


def test_what_was_looked_for_is_in_no_log(
    shop: Shop, ada: str, with_scopes: Callable[..., TestClient]
) -> None:
    assert ada
    with capture_logs() as lines:
        found(with_scopes("query"), shop, email="ada@example.com")
        with_scopes("query").post(LOOK_UP, json={"mail": "ada@example.com"})
    assert lines
    assert "ada@" not in str(lines)


def test_the_ways_by_an_address_are_deprecated(stranger: TestClient) -> None:
    paths = stranger.app.openapi()["paths"]  # type: ignore[attr-defined]  # it is FastAPI's
    deprecated = {path for path, verbs in paths.items() if verbs.get("get", {}).get("deprecated")}
    assert deprecated == {f"/api/customers/by/{way}/{{value}}" for way in ("email", "phone")}
