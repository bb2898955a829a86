"""What is malformed is refused with where it is wrong, and nothing of it is recorded."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from tests.api.shop import ORDER, recorded


@pytest.fixture
def desk(with_scopes: Callable[..., TestClient]) -> TestClient:
    return with_scopes("command", "audit")


def test_who_asks_by_e_mail_learns_where(with_scopes: Callable[..., TestClient]) -> None:
    answer = with_scopes("query").get("/api/customers/email:ada@example.com")
    assert answer.status_code == 422
    assert "POST /api/customers/look-up" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("place", "body"),
    [
        ("/api/customers", {}),
        ("/api/customers", {"user": ""}),
        ("/api/customers", {"user": "a\0b"}),
        ("/api/customers", {"user": "null"}),
        ("/api/customers", {"user": "-1"}),
        ("/api/campaigns/code:a/recipients", {"users": [" "], "anchor": "2026-03-01"}),
        ("/api/customers", {"user": "ada", "persn": {}}),
        ("/api/customers", {"user": "ada", "traits": {"x": ["a\0"]}}),
        ("/api/customers", {"user": "ada", "traits": []}),
        ("/api/customers?occurred_at=1500-01-01", {"user": "ada"}),
        ("/api/orders", {**ORDER, "total": "NaN"}),
        ("/api/orders", {**ORDER, "total": "1e400"}),
        ("/api/orders", {**ORDER, "total": "much"}),
        ("/api/orders", {**ORDER, "customer": "ada"}),
        ("/api/tickets", {"kind": "complaint", "channel": "smoke", "about": "x"}),
        ("/api/campaigns/code:a/recipients", {"users": ["1"], "anchor": "tomorrow"}),
        ("/api/campaigns/code:a/recipients", {"users": ["1"], "anchor": "0001-01-01T00:00:00Z"}),
        ("/api/campaigns/code:a/messages", {"outcomes": [{"happened": "sent"}]}),
    ],
)
def test_what_is_malformed_is_told_where(
    desk: TestClient, place: str, body: dict[str, Any]
) -> None:
    answer = desk.post(place, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]
    assert recorded(desk) == []


@pytest.mark.parametrize("email", ["bob", "bob@", "@b.example", "b ob@b.example", "a@b@c"])
def test_what_is_typed_as_an_e_mail_address_is_one(desk: TestClient, email: str) -> None:
    place, body = "/api/customers/user:ada/traits", {"person": {"email": email}}
    for answer in (
        desk.put(place, json=body),
        desk.post("/api/customers", json={"user": "ada", **body}),
    ):
        assert answer.status_code == 422, answer.text
        (wrong,) = answer.json()["errors"]
        assert wrong["pointer"] == "body/person/email"
        assert "is no e-mail address" in wrong["detail"]
        assert email not in answer.text
    assert recorded(desk) == []


@pytest.mark.parametrize(
    "email", ["ada@example.com", " Ada.L+1@xn--4ca.example ", "李@例子.中国", ""]
)
def test_any_e_mail_address_is_taken_and_none_takes_it_back(desk: TestClient, email: str) -> None:
    body = {"user": "ada", "person": {"email": email}}
    assert desk.post("/api/customers", json=body).status_code == 201


@pytest.mark.parametrize(
    "raw",
    [
        rb'{"user": "\ud800"}',
        rb'{"user": "a", "person": {"name": "\ud800"}}',
        rb'{"user": "a", "traits": {"x": "\udc00"}}',
        b'{"user": "a", "traits": {"x": NaN}}',
        b'{"user": "a", "traits": {"x": 1e999}}',
        b'{"user": "a", "traits": {"x": ' + b"9" * 5000 + b"}}",
        b'{"user": "a", "traits": ' + b'{"x":' * 40 + b"1" + b"}" * 41,
        b'{"user": "a", "traits": ' + b'{"x":' * 9000 + b"1" + b"}" * 9001,
        b'{"user": "a"',
    ],
)
def test_what_cannot_be_kept_as_it_was_meant_is_malformed(desk: TestClient, raw: bytes) -> None:
    answer = desk.post("/api/customers", content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]
    assert recorded(desk) == []


@pytest.mark.parametrize(
    "place", ["/api/customers/user:%FF/tags/vip", "/api/customers/user:1/tags/%ED%A0%80", "/%C3"]
)
def test_a_path_that_is_no_text_is_refused(desk: TestClient, place: str) -> None:
    answer = desk.put(place)
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "urn:huike:problem:unreadable-path"
    assert recorded(desk) == []
    assert desk.put("/api/customers/user:1/tags/%C3%A9").status_code == 404  # nobody has it


def test_a_version_beyond_all_bounds_is_malformed(desk: TestClient) -> None:
    stale = {"If-Match": f'"{"9" * 5000}"'}
    answer = desk.post("/api/orders", json=ORDER, headers=stale)
    assert answer.status_code == 422, answer.text


def test_a_command_has_a_largest_body_and_a_bulk_one_a_larger(desk: TestClient) -> None:
    long = {"user": "ada", "traits": {"x": "y" * 300_000}}
    assert desk.post("/api/customers", json=long).status_code == 413
    many = {"recipients": [str(UUID(int=n)) for n in range(20_000)], "anchor": "2026-03-01"}
    answer = desk.post("/api/campaigns/code:none/recipients", json=many)
    assert answer.status_code == 404, answer.text
