"""What is asked for over HTTP becomes facts, once, or is refused with the reason."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from starlette.testclient import TestClient

from api.services import Services
from infra.sealing.at_hand import AtHand
from tests.api.shop import ORDER, REGISTERED, ada, recorded


@pytest.fixture
def desk(with_scopes: Callable[..., TestClient]) -> TestClient:
    return with_scopes("command", "audit")


def test_a_command_answers_where_its_fact_stands(desk: TestClient) -> None:
    answer = desk.post("/api/customers", json={"user": "ada", "person": {"email": "a@b.example"}})
    assert answer.status_code == 201
    told = answer.json()
    assert answer.headers["Location"] == f"/api/customers/{told['id']}"
    assert answer.headers["X-Position"] == str(told["position"]) == "2"
    assert answer.headers["ETag"] == '"2"' == f'"{told["version"]}"'
    assert recorded(desk) == REGISTERED


def test_a_request_id_leads_to_its_facts(desk: TestClient, services: Services) -> None:
    headers = {"X-Request-ID": "7" * 32}
    desk.post("/api/customers", json={"user": "ada"}, headers=headers)
    ada = services.ids.user("shop", "ada")
    fact = services.log.stream(ada)[0]
    assert fact.correlation == "7" * 32
    assert fact.actor_kind == "key"
    assert fact.actor_id == str(services.keys.all()[0].id)
    assert fact.source == "site"


def test_asking_twice_is_not_news(desk: TestClient) -> None:
    first, second = ada(desk), ada(desk)
    assert first == second
    again = desk.post("/api/customers", json={"user": "ada"})
    assert again.status_code == 201
    assert again.json()["position"] is None
    assert "X-Position" not in again.headers
    assert recorded(desk) == REGISTERED


def test_an_idempotency_key_gives_the_same_answer_again(desk: TestClient) -> None:
    key = {"Idempotency-Key": "open-1"}
    body = {"kind": "complaint", "channel": "email", "about": "Broken."}
    first = desk.post("/api/tickets", json=body, headers=key)
    again = desk.post("/api/tickets", json=body, headers=key)
    assert first.status_code == again.status_code == 201
    assert again.json() == first.json()
    assert recorded(desk) == ["ticket.opened"]


def test_an_idempotency_key_is_for_one_request(desk: TestClient) -> None:
    key = {"Idempotency-Key": "k"}
    desk.post("/api/customers", json={"user": "ada"}, headers=key)
    answer = desk.post("/api/customers", json={"user": "bob"}, headers=key)
    assert answer.status_code == 409
    assert answer.json()["title"] == "Other request"


def test_if_match_refuses_when_somebody_was_quicker(desk: TestClient) -> None:
    whom = ada(desk)
    tag = f"/api/customers/{whom}/tags"
    assert desk.put(f"{tag}/vip", headers={"If-Match": '"2"'}).status_code == 202
    late = desk.put(f"{tag}/late", headers={"If-Match": '"2"'})
    assert late.status_code == 412
    assert (late.json()["version"], late.json()["expected"]) == (3, 2)
    assert desk.put(f"{tag}/late", headers={"If-Match": "3"}).status_code == 202


@pytest.mark.parametrize("wrong", ["one", '"1", "2"', "-1", "*", ""])
def test_if_match_names_a_version(desk: TestClient, wrong: str) -> None:
    answer = desk.put(f"/api/customers/{ada(desk)}/tags/vip", headers={"If-Match": wrong})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "header/if-match"


def test_a_customer_is_named_by_the_shops_own_id(desk: TestClient) -> None:
    whom = ada(desk)
    assert desk.put("/api/customers/user:ada/tags/vip").json()["id"] == whom
    assert recorded(desk, customer=whom) == [*REGISTERED, "customer.tag-added"]


@pytest.mark.parametrize("id", ["ada", "user:", "number:1", "12345678"])
def test_a_customer_is_not_named_by_anything(desk: TestClient, id: str) -> None:
    answer = desk.put(f"/api/customers/{id}/tags/vip")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "path/id"


def test_a_customers_story(desk: TestClient) -> None:
    whom = ada(desk)
    at = f"/api/customers/{whom}"
    consent = {"source": "checkout", "wording": "v1"}
    steps: list[tuple[str, str, dict[str, Any] | None]] = [
        ("PUT", "/traits", {"person": {"name": "Ada"}, "traits": {"plan": "gold"}}),
        ("PUT", "/kind", {"kind": "company"}),
        ("PUT", "/consents/email/newsletter", consent),
        ("PUT", "/consents/email/newsletter/withdrawal", consent),
        ("PUT", "/tags/vip", None),
        ("DELETE", "/tags/vip", None),
        ("POST", "/notes", {"text": "Likes oolong."}),
    ]
    for method, place, body in steps:
        answer = desk.request(method, at + place, json=body)
        assert answer.status_code == 202, answer.text
    assert recorded(desk, customer=whom) == [
        *REGISTERED,
        "customer.traits-asserted",
        "customer.kind-stated",
        "customer.consent-granted",
        "customer.consent-withdrawn",
        "customer.tag-added",
        "customer.tag-removed",
        "customer.note-added",
    ]


def test_an_orders_story(desk: TestClient) -> None:
    placed = desk.post("/api/orders", json={**ORDER, "customer": ada(desk)})
    assert placed.status_code == 201, placed.text
    at = "/api/orders/number:1001"
    steps: list[tuple[str, dict[str, Any] | None]] = [
        ("/payments", {"amount": "42.50"}),
        ("/shipment", {"carrier": "DHL", "tracking": "1Z"}),
        ("/delivery", None),
        ("/refunds", {"lines": [{"product": "tea-01", "quantity": "1", "amount": "21.25"}]}),
    ]
    for place, body in steps:
        answer = desk.post(at + place, json=body)
        assert answer.status_code == 202, answer.text
        assert answer.json()["id"] == placed.json()["id"]
    assert recorded(desk, stream=placed.json()["id"]) == [
        "order.placed",
        "order.paid",
        "order.shipped",
        "order.delivered",
        "order.refunded",
    ]


def test_an_order_is_revised_and_cancelled(desk: TestClient) -> None:
    order = desk.post("/api/orders", json=ORDER).json()["id"]
    revised = {**ORDER, "total": "21.25", "lines": [{"product": "tea-01", "unit_price": "21.25"}]}
    del revised["number"]
    assert desk.put(f"/api/orders/{order}", json=revised).status_code == 202
    answer = desk.post(f"/api/orders/{order}/cancellation", json={"reason": "changed mind"})
    assert answer.status_code == 202
    assert recorded(desk) == ["order.placed", "order.revised", "order.cancelled"]


def test_too_large_a_refund_is_refused_with_its_numbers(desk: TestClient) -> None:
    order = desk.post("/api/orders", json=ORDER).json()["id"]
    desk.post(f"/api/orders/{order}/payments", json={"amount": "42.50"})
    answer = desk.post(f"/api/orders/{order}/refunds", json={"amount": "50"})
    assert answer.status_code == 409
    assert "50" in answer.json()["detail"]
    assert "42.5" in answer.json()["detail"]


def test_what_is_not_there_is_not_found(desk: TestClient) -> None:
    answer = desk.post(f"/api/orders/{uuid4()}/delivery")
    assert answer.status_code == 404, answer.text


def test_a_tickets_story(desk: TestClient) -> None:
    body = {"kind": "complaint", "channel": "email", "about": "Broken.", "customer": ada(desk)}
    opened = desk.post("/api/tickets", json=body)
    assert opened.status_code == 201, opened.text
    at = f"/api/tickets/number:{opened.json()['number']}"
    steps: list[tuple[str, str, dict[str, Any] | None]] = [
        ("PUT", "/agent", {"agent": "grace"}),
        ("POST", "/messages", {"author": "agent", "text": "We are on it."}),
        ("POST", "/escalation", {"to": "the head", "reason": "Second time."}),
        ("POST", "/resolution", {"outcome": "A new one was sent."}),
        ("POST", "/reopening", {"reason": "Broken again."}),
        ("POST", "/resolution", {"outcome": "Money back."}),
        ("POST", "/closing", None),
        ("PUT", "/rating", {"score": 4}),
    ]
    for method, place, told in steps:
        answer = desk.request(method, at + place, json=told)
        assert answer.status_code == 202, (place, answer.text)
    assert len(recorded(desk, stream=opened.json()["id"])) == 9


def test_a_campaigns_story(desk: TestClient) -> None:
    drafted = desk.post(
        "/api/campaigns", json={"code": "spring", "name": "Spring teas", "channel": "email"}
    )
    assert drafted.status_code == 201, drafted.text
    at = "/api/campaigns/code:spring"
    assert desk.post(f"{at}/launch", json={"control_share": "0.2", "seed": 7}).status_code == 202
    users = [f"u{n}" for n in range(50)]
    anchor = "2026-03-01T09:00:00Z"
    assigned = desk.post(f"{at}/recipients", json={"users": users, "anchor": anchor})
    assert assigned.status_code == 202, assigned.text
    told = assigned.json()
    assert (told["assigned"], told["already"]) == (50, 0)
    assert told["treated"] + told["control"] == 50
    again = desk.post(f"{at}/recipients", json={"users": [*users, "new"], "anchor": anchor}).json()
    assert (again["assigned"], again["already"]) == (1, 50)
    outcomes = [
        {"user": user, "happened": "sent", "channel": "email", "occurred_at": anchor}
        for user in [*users, "nobody"]
    ]
    reported = desk.post(f"{at}/messages", json={"outcomes": outcomes}).json()
    refused = {entry["index"] for entry in reported["refused"]}
    assert 50 in refused
    assert reported["recorded"] + len(refused) == 51
    assert desk.post(f"{at}/end").status_code == 202
    assert recorded(desk, stream=drafted.json()["id"]) == [
        "campaign.drafted",
        "campaign.launched",
        "campaign.ended",
    ]


def test_recipients_by_their_customer_id(desk: TestClient) -> None:
    desk.post("/api/campaigns", json={"code": "a", "name": "A", "channel": "sms"})
    desk.post("/api/campaigns/code:a/launch", json={"control_share": "0"})
    body = {"recipients": [str(uuid4()) for _ in range(3)], "anchor": "2026-03-01T09:00:00Z"}
    assert desk.post("/api/campaigns/code:a/recipients", json=body).json()["assigned"] == 3


def test_a_coupon_is_redeemed_once_for_an_order(desk: TestClient) -> None:
    customer = ada(desk)
    order = desk.post("/api/orders", json={**ORDER, "customer": customer}).json()["id"]
    body = {"customer": customer, "order": order, "amount": "5.00", "currency": "USD"}
    for _ in range(2):
        assert desk.post("/api/coupons/SPRING/redemptions", json=body).status_code == 202
    assert recorded(desk, type="coupon.redeemed") == ["coupon.redeemed"]


def test_a_lifecycle_policy_is_adopted(desk: TestClient) -> None:
    answer = desk.put("/api/lifecycle/policy", json={"new_days": 60, "high_value": "5000"})
    assert answer.status_code == 202
    assert recorded(desk) == ["lifecycle.policy-adopted"]


def test_what_happened_earlier_is_recorded_as_of_then(desk: TestClient) -> None:
    when = {"occurred_at": "2026-01-02T03:04:05Z"}
    assert desk.post("/api/orders", json=ORDER, params=when).status_code == 201
    assert desk.put("/api/customers/user:ada/tags/vip", params=when).status_code in {202, 404}
    fact = desk.get("/api/audit/facts").json()["facts"][0]
    assert fact["occurred_at"] == "2026-01-02T03:04:05Z"
    assert fact["recorded_at"] > fact["occurred_at"]


def test_what_is_said_of_the_forgotten_is_refused(
    desk: TestClient, services: Services, database_url: str
) -> None:
    whom = ada(desk)
    with psycopg.connect(database_url) as owner:
        owner.execute("update keeper.person_key set wrapped = null, forgotten_at = now()")
    services.sealer._at_hand = AtHand(9, 9)  # noqa: SLF001  # as in a process that starts anew
    answer = desk.post(f"/api/customers/{whom}/notes", json={"text": "Hello."})
    assert answer.status_code == 409
    assert answer.json()["title"] == "Forgotten"


def test_traits_that_may_say_who_somebody_is_are_sealed(
    desk: TestClient, with_scopes: Callable[..., TestClient]
) -> None:
    traits = {"plan": "gold", "nickname": "the countess", "age": 36}
    body = {"traits": traits, "person": {"email": "ada@example.com"}}
    desk.put(f"/api/customers/{ada(desk)}/traits", json=body)
    closed = desk.get("/api/audit/facts").json()["facts"][-1]["data"]
    assert closed["person"] == closed["private"] == "sealed"
    assert "countess" not in str(closed)
    opened = with_scopes("audit", "personal").get("/api/audit/facts").json()["facts"][-1]["data"]
    assert opened["person"] == {"email": "ada@example.com"}
    assert {**opened["traits"], **opened["private"]} == traits
