"""Auditors read the facts: in order, with who and why, and only what they may see."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from starlette.testclient import TestClient

from api.services import Services
from domain.activity.events import Tracked
from domain.customer.events import NoteAdded, Person, TagAdded, TraitsAsserted
from domain.order.events import OrderPaid, OrderPlaced
from domain.shared.events import Event
from domain.shared.log import Actor, Append, Draft, Message, Recognition, Who
from infra.sealing.at_hand import AtHand
from tests.keys import make_key

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP = "shop"


class Shop:
    """Records facts as if they had come by some door."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.ada = services.ids.user(SHOP, "ada")
        self.bob = services.ids.user(SHOP, "bob")
        self.key, _ = make_key(services.settings.log_url, "the till", "ingest")

    def records(
        self,
        *events: Event,
        who: Who | None = None,
        stream: UUID | None = None,
        correlation: str = "",
        recognition: Recognition | None = None,
        message: Message | None = None,
    ) -> int:
        receipt = self.services.log.append(
            Append(
                facts=tuple(
                    Draft(event=event, occurred_at=NOON, who=who, stream=stream) for event in events
                ),
                actor=self.key.actor,
                shop=SHOP,
                source="till",
                correlation=correlation,
                recognition=recognition,
                message=message,
            )
        )
        assert receipt.position is not None
        return receipt.position

    def viewed(self, name: str, who: Who) -> None:
        message = uuid4()
        self.records(
            Tracked(name=name, content=b"1"),
            who=who,
            stream=message,
            message=Message(id=message, content=b"1", original=b"{}"),
        )


def placed(number: str) -> OrderPlaced:
    return OrderPlaced(number=number, currency="USD", total=Decimal("42.50"))


@pytest.fixture
def shop(services: Services) -> Shop:
    return Shop(services)


@pytest.fixture
def auditor(with_scopes: Callable[..., TestClient]) -> TestClient:
    return with_scopes("audit")


def types(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [fact["type"] for fact in answer.json()["facts"]]


def test_a_fact_says_what_when_whose_who_and_why(shop: Shop, auditor: TestClient) -> None:
    shop.records(TagAdded(tag="vip"), who=Who(user=shop.ada), correlation="request-1")
    answer = auditor.get("/api/audit/facts").json()
    (fact,) = answer["facts"]
    assert answer["next"] is None
    assert fact["type"] == "customer.tag-added"
    assert fact["data"] == {"tag": "vip"}
    assert fact["position"] == 1
    assert fact["version"] == 1
    assert fact["by"] == {"kind": "key", "id": str(shop.key.id), "name": "the till"}
    assert fact["customer"] == fact["stream"] == str(shop.ada)
    assert fact["correlation"] == "request-1"
    assert datetime.fromisoformat(fact["occurred_at"]) == NOON
    assert datetime.fromisoformat(fact["recorded_at"]) > NOON


@pytest.mark.parametrize("of", ["facts", "facts/export", "access"])
@pytest.mark.parametrize("actor", ["", " ", "the till", "system:", "key:1"])
def test_who_nobody_can_be_is_refused_and_not_said_to_have_done_nothing(
    auditor: TestClient, actor: str, of: str
) -> None:
    refused = auditor.get(f"/api/audit/{of}", params={"actor": actor})
    assert refused.status_code == 422
    assert "`huike keys list` tells it" in refused.text


def test_facts_are_found_by_what_they_are(shop: Shop, auditor: TestClient) -> None:
    order = shop.services.ids.order(SHOP, "1")
    shop.records(TagAdded(tag="a"), who=Who(user=shop.ada), correlation="first")
    shop.records(TagAdded(tag="b"), who=Who(user=shop.bob), correlation="second")
    shop.records(placed("1"), who=Who(user=shop.ada), stream=order, correlation="third")

    def found(**wanted: Any) -> list[str]:
        return types(auditor.get("/api/audit/facts", params=wanted))

    both = ["customer.tag-added", "order.placed"]
    assert found(type="order.placed") == ["order.placed"]
    assert found(type=["order.placed", "customer.tag-added"]) == ["customer.tag-added", *both]
    assert found(stream=str(order)) == ["order.placed"]
    assert found(customer=str(shop.ada)) == both
    assert found(customer=str(shop.bob)) == ["customer.tag-added"]
    assert found(customer=str(uuid4())) == []
    assert found(actor=str(shop.key.id)) == ["customer.tag-added", *both]
    assert found(actor=str(shop.key.id).upper()) == ["customer.tag-added", *both]
    assert found(actor="system:nobody") == []
    assert found(correlation="second") == ["customer.tag-added"]
    assert found(after=1) == both
    assert found(upto=1) == ["customer.tag-added"]
    assert found(type="order.placed", customer=str(shop.bob)) == []


def test_behaviour_is_found_by_its_message(shop: Shop, auditor: TestClient) -> None:
    shop.viewed("Product Viewed", Who(user=shop.ada))
    shop.viewed("Cart Viewed", Who(user=shop.ada))
    first, _ = auditor.get("/api/audit/facts").json()["facts"]
    (found,) = auditor.get("/api/audit/facts", params={"stream": first["stream"]}).json()["facts"]
    assert found == first


def test_facts_are_found_by_when_they_were_recorded(shop: Shop, auditor: TestClient) -> None:
    for tag in "abc":
        shop.records(TagAdded(tag=tag), who=Who(user=shop.ada))
    times = [f["recorded_at"] for f in auditor.get("/api/audit/facts").json()["facts"]]

    def tags(**wanted: str) -> list[str]:
        answer = auditor.get("/api/audit/facts", params=wanted)
        return [f["data"]["tag"] for f in answer.json()["facts"]]

    assert tags(since=times[1]) == ["b", "c"]
    assert tags(until=times[1]) == ["a"]
    assert tags(since=times[1], until=times[2]) == ["b"]
    assert tags(since=(datetime.now(UTC) + timedelta(days=1)).isoformat()) == []


def test_pages_go_on_where_the_last_one_ended(shop: Shop, auditor: TestClient) -> None:
    for tag in "abcde":
        shop.records(TagAdded(tag=tag), who=Who(user=shop.ada))
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = auditor.get("/api/audit/facts", params={"after": after, "limit": 2}).json()
        seen += [f["position"] for f in page["facts"]]
        after = page["next"]
    assert seen == [1, 2, 3, 4, 5]


def test_personal_fields_are_opened_only_for_who_may_see_them(
    shop: Shop, auditor: TestClient, with_scopes: Callable[..., TestClient]
) -> None:
    person = Person(email="ada@example.com")
    shop.records(TraitsAsserted(person=person, traits={"age": 36}), who=Who(user=shop.ada))
    data = auditor.get("/api/audit/facts").json()["facts"][0]["data"]
    assert data["person"] == "sealed"
    assert data["traits"] == {"age": 36}
    officer = with_scopes("audit", "personal")
    data = officer.get("/api/audit/facts").json()["facts"][0]["data"]
    assert data["person"] == {"email": "ada@example.com"}


def test_what_was_forgotten_is_shown_as_erased(
    shop: Shop, database_url: str, with_scopes: Callable[..., TestClient]
) -> None:
    shop.records(NoteAdded(note=uuid4(), text="likes tea"), who=Who(user=shop.ada))
    with psycopg.connect(database_url) as owner:
        owner.execute("update keeper.person_key set wrapped = null")
    shop.services.sealer._at_hand = AtHand(9, 9)  # noqa: SLF001  # as in a process that starts anew
    officer = with_scopes("audit", "personal")
    assert officer.get("/api/audit/facts").json()["facts"][0]["data"]["text"] == "erased"


def test_an_export_is_one_fact_a_line(shop: Shop, auditor: TestClient) -> None:
    for tag in "abc":
        shop.records(TagAdded(tag=tag), who=Who(user=shop.ada))
    answer = auditor.get("/api/audit/facts/export", params={"after": 1})
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert [json.loads(line)["data"]["tag"] for line in answer.text.splitlines()] == ["b", "c"]


def test_an_export_that_cannot_begin_is_told_as_an_error(shop: Shop, auditor: TestClient) -> None:
    shop.records(TagAdded(tag="a"), who=Who(user=shop.ada))
    answer = auditor.get("/api/audit/facts/export", params={"correlation": "a\0"})
    assert answer.status_code == 422, answer.text


def test_a_customers_history_holds_what_they_did_as_a_visitor(
    shop: Shop, auditor: TestClient
) -> None:
    visitor = shop.services.ids.anonymous(SHOP, "cookie")
    shop.viewed("Product Viewed", Who(anonymous=visitor))
    shop.records(
        TagAdded(tag="vip"),
        who=Who(user=shop.ada),
        recognition=Recognition(visitor=visitor, user=shop.ada, occurred_at=NOON),
    )
    shop.viewed("Cart Viewed", Who(anonymous=visitor))
    shop.viewed("Cart Viewed", Who(user=shop.bob))
    by_user = auditor.get(f"/api/audit/customers/{shop.ada}")
    assert types(by_user) == [
        "activity.tracked",
        "customer.tag-added",
        "customer.visitor-recognised",
        "customer.known-by-another-id",
        "activity.tracked",
    ]
    assert auditor.get(f"/api/audit/customers/{visitor}").json() == by_user.json()


def test_an_orders_history_is_in_order(shop: Shop, auditor: TestClient) -> None:
    order = shop.services.ids.order(SHOP, "1")
    paid = OrderPaid(amount=Decimal("42.50"), currency="USD")
    shop.records(placed("1"), paid, who=Who(user=shop.ada), stream=order)
    shop.records(placed("2"), who=Who(user=shop.ada), stream=shop.services.ids.order(SHOP, "2"))
    answer = auditor.get(f"/api/audit/orders/{order}")
    assert types(answer) == ["order.placed", "order.paid"]
    assert [f["version"] for f in answer.json()["facts"]] == [1, 2]
    assert answer.json()["facts"][1]["data"]["amount"] == "42.50"


@pytest.mark.parametrize("what", ["customers", "orders", "tickets", "campaigns"])
def test_what_never_was_has_no_history(auditor: TestClient, what: str) -> None:
    answer = auditor.get(f"/api/audit/{what}/{uuid4()}")
    assert answer.status_code == 404
    assert answer.json()["title"] == "Not found"


def test_an_actor_that_is_no_key_has_no_name(services: Services, auditor: TestClient) -> None:
    services.log.append(
        Append(
            facts=(
                Draft(
                    event=TagAdded(tag="x"),
                    occurred_at=NOON,
                    who=Who(user=services.ids.user(SHOP, "ada")),
                ),
            ),
            actor=Actor(kind="system", id="import"),
            shop=SHOP,
            source="import",
        )
    )
    fact = auditor.get("/api/audit/facts").json()["facts"][0]
    assert fact["by"] == {"kind": "system", "id": "import"}


@pytest.mark.parametrize(
    "wrong",
    [{"limit": 0}, {"limit": 5000}, {"since": "yesterday"}, {"customer": "ada"}, {"after": -1}],
)
def test_a_malformed_search_is_a_422(auditor: TestClient, wrong: dict[str, Any]) -> None:
    answer = auditor.get("/api/audit/facts", params=wrong)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"query/{next(iter(wrong))}"


def test_a_verification_is_a_job(auditor: TestClient) -> None:
    answer = auditor.post("/api/audit/verify/profile")
    assert answer.status_code == 202
    assert answer.headers["Location"] == answer.json()["ask"]
    assert auditor.post("/api/audit/verify/nothing").status_code == 422
