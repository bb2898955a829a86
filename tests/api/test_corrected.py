"""What was wrong about somebody is corrected by saying what is right: then it is so everywhere."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.api.shop import Shop, ask

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("live")]

WRONG = {
    "name": "Ida",
    "email": "wrong@example.com",
    "phone": "+442079460018",
    "address": {"city": "London"},
}


@pytest.fixture
def desk(with_roles: Callable[..., TestClient]) -> TestClient:
    return with_roles("privacy-officer")


@pytest.fixture
def shop(with_scopes: Callable[..., TestClient]) -> Shop:
    shop = Shop(with_scopes("command"))
    shop.customer("ada", person=WRONG, traits={"plan": "gold", "nickname": "Addie"})
    return shop


@pytest.fixture
def correct(desk: TestClient) -> Callable[..., dict[str, Any]]:
    def put(**body: Any) -> dict[str, Any]:
        officer = Shop(desk)
        officer.does("PUT", "/customers/user:ada/traits", **body)
        answer: dict[str, Any] = ask(desk, "/customers/user:ada", position=officer.position)
        return answer

    return put


def found(desk: TestClient, kind: str, value: str) -> int:
    return len(ask(desk, f"/customers/by/{kind}/{value}")["customers"])


@pytest.mark.usefixtures("shop")
def test_a_correction_replaces_what_was_wrong_and_what_it_is_found_by(
    desk: TestClient, correct: Callable[..., dict[str, Any]], with_scopes: Callable[..., TestClient]
) -> None:
    customer = correct(
        person={"name": "Ada", "email": "ada@example.com"}, traits={"plan": "silver"}
    )
    assert (customer["name"], customer["email"]) == ("Ada", "ada@example.com")
    assert customer["phone"] == WRONG["phone"]
    assert (customer["private"]["plan"], customer["private"]["nickname"]) == ("silver", "Addie")
    assert found(desk, "email", "wrong@example.com") == 0
    assert found(desk, "email", "ada@example.com") == 1
    assert ask(with_scopes("query"), "/customers/user:ada")["email"] == "a•••@e•••.com"
    told = ask(desk, "/customers/user:ada/dossier")["traits"]
    assert {t["field"]: t["value"] for t in told}["email"] == "ada@example.com"


@pytest.mark.usefixtures("shop")
def test_what_is_null_is_taken_back(
    desk: TestClient, correct: Callable[..., dict[str, Any]]
) -> None:
    nothing = {"email": None, "phone": None, "address": None}
    customer = correct(person=nothing, traits={"plan": None, "nickname": None})
    assert (customer["name"], customer["email"], customer["phone"]) == ("Ida", None, None)
    assert customer["person"] == {"name": "Ida"}
    assert (customer["traits"], customer["private"]) == ({}, {"id": "ada"})
    assert found(desk, "email", "wrong@example.com") == found(desk, "phone", "+442079460018") == 0


def test_an_older_import_does_not_bring_back_what_was_wrong(
    shop: Shop,
    desk: TestClient,
    correct: Callable[..., dict[str, Any]],
    with_scopes: Callable[..., TestClient],
) -> None:
    correct(person={"email": "ada@example.com"})
    old = {"userId": "ada", "timestamp": "2020-01-01T00:00:00Z", "traits": {"email": "w@x.org"}}
    said = with_scopes("ingest").post("/v1/identify", json=old).json()
    position = max(said["results"][0]["position"], shop.position)
    customer = ask(desk, "/customers/user:ada", position=position)
    assert customer["email"] == "ada@example.com"


@pytest.mark.usefixtures("shop")
def test_who_somebody_is_is_not_said_among_other_traits(desk: TestClient) -> None:
    body = {"traits": {"email": "ada@example.com"}}
    answer = desk.put("/api/customers/user:ada/traits", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["detail"] == "is said as `person`, `email`"
    body = {"traits": {"firstName": "Ada"}}
    assert "first_name" in desk.put("/api/customers/user:ada/traits", json=body).text
