"""What is known is answered: at once, as far as was asked to wait, or as of any moment."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from starlette.testclient import TestClient

from api.queries import freshness
from api.services import Services
from tests.api.shop import Shop, ask

PERSON = {"name": "Ada Lovelace", "email": "Ada@Example.com", "phone": "+44 20 7946 0018"}


@pytest.fixture
def shop(live: None, with_scopes: Callable[..., TestClient]) -> Shop:  # noqa: ARG001  # it follows
    return Shop(with_scopes("command"))


@pytest.fixture
def analyst(with_scopes: Callable[..., TestClient]) -> TestClient:
    return with_scopes("query")


@pytest.fixture
def officer(with_scopes: Callable[..., TestClient]) -> TestClient:
    return with_scopes("query", "personal")


def test_a_query_waits_for_a_command(shop: Shop, analyst: TestClient) -> None:
    ada = shop.customer("ada")
    shop.does("PUT", f"/customers/{ada}/tags/vip")
    answer = analyst.get(f"/api/customers/{ada}", params={"position": shop.position})
    assert answer.status_code == 200, answer.text
    assert answer.json()["tags"] == ["vip"]
    assert int(answer.headers["X-View-Position"]) >= shop.position
    assert float(answer.headers["X-View-Age"]) >= 0


def test_a_query_waits_only_so_long(
    shop: Shop, analyst: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "PATIENCE", 0.1)
    ada = shop.customer("ada")
    answer = analyst.get(f"/api/customers/{ada}", params={"position": shop.position + 1000})
    assert answer.status_code == 504
    assert "profile" in answer.json()["view"]
    assert answer.json()["wanted"] == shop.position + 1000
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("path", ["", "/timeline", "/lifecycle", "/campaigns", "/why/net"])
def test_a_replayed_answer_says_how_far_it_goes_and_is_asked_to_wait(
    shop: Shop, analyst: TestClient, path: str
) -> None:
    ada = shop.customer("ada")
    before = shop.position
    shop.does("PUT", f"/customers/{ada}/tags/vip")
    wanted = {"known_at": before, "position": shop.position}
    answer = analyst.get(f"/api/customers/{ada}{path}", params=wanted)
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["X-View-Position"]) == before
    assert float(answer.headers["X-View-Age"]) >= 0
    wanted["position"] += 1000
    answer = analyst.get(f"/api/customers/{ada}{path}", params=wanted)
    assert answer.status_code == 504
    assert answer.json()["wanted"] == wanted["position"]


def test_without_views_nothing_is_known_yet_and_nobody_waits(
    with_scopes: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "PATIENCE", 600.0)
    for path in (f"/api/customers/{uuid4()}", "/api/customers"):
        answer = with_scopes("query").get(path)
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:huike:problem:not-begun"
        assert "profile" in answer.json()["view"]
        assert answer.headers["Retry-After"]


def test_a_view_that_an_older_version_kept_is_not_read_until_it_is_rebuilt(
    shop: Shop, analyst: TestClient, database_url: str
) -> None:
    ask(analyst, "/lifecycle", position=shop.position)
    with psycopg.connect(database_url) as connection:  # both at once
        connection.execute("update views.active set version = 0 where view = 'lifecycle'")
        connection.execute("update views.checkpoint set version = 0 where view = 'lifecycle'")
    answer = analyst.get("/api/lifecycle", params={"position": shop.position + 1})
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:huike:problem:other-version"
    assert "huike rebuild lifecycle" in answer.json()["detail"]
    ask(analyst, "/campaigns")
    ready = analyst.get("/ready")
    assert (ready.status_code, ready.json()["to_rebuild"]) == (200, ["lifecycle"])


def test_a_customer_is_masked_but_for_who_may_see_persons(
    shop: Shop, analyst: TestClient, officer: TestClient
) -> None:
    ada = shop.customer("ada", person=PERSON)
    masked = ask(analyst, f"/customers/{ada}", position=shop.position)
    assert masked["masked"] is True
    assert "Lovelace" not in json.dumps(masked)
    assert "example.com" not in json.dumps(masked).lower()
    opened = ask(officer, f"/customers/{ada}", position=shop.position)
    assert opened["masked"] is False
    assert opened["name"] == "Ada Lovelace"
    assert opened["email"] == "Ada@Example.com"


def test_a_customer_is_the_same_by_every_way(
    shop: Shop, officer: TestClient, analyst: TestClient, stranger: TestClient
) -> None:
    ada = shop.customer("ada", person=PERSON, traits={"plan": "gold"})
    shop.order("1", ada, "42.50")
    ask(analyst, f"/customers/{ada}", position=shop.position)
    for client in (officer, analyst):
        usual = ask(client, f"/customers/{ada}", position=0)
        stranger.headers["Authorization"] = client.headers["Authorization"]
        for _ in range(20):  # one event loop, in which wires are opened meanwhile
            assert ask(stranger, f"/customers/{ada}") == usual
    assert stranger.get(f"/api/customers/{uuid4()}").status_code == 404


def test_a_customer_is_found_by_what_the_shop_knows(shop: Shop, analyst: TestClient) -> None:
    ada = shop.customer("ada", person=PERSON)
    shop.customer("bob")
    at = {"position": shop.position}
    assert ask(analyst, "/customers/by/user/ada", **at)["customer"] == ada
    assert ask(analyst, "/customers/user:ada", **at)["customer"] == ada
    for place in ("by/email/ada@example.COM", "by/phone/+442079460018"):
        found = ask(analyst, f"/customers/{place}", **at)["customers"]
        assert [c["customer"] for c in found] == [ada], place
    assert ask(analyst, "/customers/by/email/bob@example.com", **at) == {"customers": []}


@pytest.mark.parametrize(
    "place", [f"/customers/{UUID(int=1)}", "/customers/by/user/x", "/customers/by/anonymous/x"]
)
def test_nobody_is_not_found(shop: Shop, analyst: TestClient, place: str) -> None:
    shop.customer("ada")
    answer = analyst.get(f"/api{place}", params={"position": shop.position})
    assert answer.status_code == 404


def test_customers_are_found_by_what_they_are(shop: Shop, analyst: TestClient) -> None:
    ada, bob = shop.customer("ada", kind="company"), shop.customer("bob")
    shop.does("PUT", f"/customers/{ada}/tags/vip")
    shop.order("1", bob, "500.00")

    def who(**wanted: Any) -> set[str]:
        page = ask(analyst, "/customers", position=shop.position, **wanted)
        return {c["customer"] for c in page["customers"]}

    assert who() == {ada, bob}
    assert who(tag="vip") == {ada}
    assert who(kind="company") == {ada}
    assert who(known=False) == set()
    assert who(net_from="400") == {bob}
    assert who(net_to="400") == {ada}
    assert who(tag="vip", net_from="400") == set()
    assert who(seen_before="2001-01-01") == set()


def test_a_list_goes_on_where_its_last_page_ended(shop: Shop, analyst: TestClient) -> None:
    all_of_them = [shop.customer(f"u{n}") for n in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = ask(
            analyst, "/customers", position=shop.position, limit=2, sort="first_seen", **cursor
        )
        seen += [c["customer"] for c in page["customers"]]
        if page["cursor"] is None:
            break
        cursor = {"cursor": page["cursor"]}
    assert seen == all_of_them


def test_customers_are_streamed_as_csv_and_ndjson(shop: Shop, analyst: TestClient) -> None:
    everybody = {shop.customer(f"u{n}", person={"name": f"=N{n}"}) for n in range(3)}
    wanted = {"position": shop.position}
    answer = analyst.get("/api/customers/export", params=wanted)
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "X-View-Position" in answer.headers
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["customer"] for row in rows} == everybody
    assert all(not row["name"].startswith("=") for row in rows)
    answer = analyst.get("/api/customers/export", params={**wanted, "format": "ndjson"})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert {line["customer"] for line in lines} == everybody


def test_a_customer_as_of_a_moment(shop: Shop, officer: TestClient) -> None:
    ada = shop.customer("ada", person=PERSON)
    before = shop.position
    shop.does("PUT", f"/customers/{ada}/tags/vip")
    shop.order("1", ada, "42.50")
    then = ask(officer, f"/customers/{ada}", known_at=before)
    assert (then["tags"], then["orders"], then["name"]) == ([], 0, "Ada Lovelace")
    now = ask(officer, f"/customers/{ada}", known_at=shop.position)
    live = ask(officer, f"/customers/{ada}", position=shop.position)
    assert now == live
    assert live["stage"] == "new"
    long_ago = datetime.now(UTC) - timedelta(days=365)
    answer = officer.get(f"/api/customers/{ada}", params={"at": long_ago.isoformat()})
    assert answer.status_code == 404


def test_a_story_in_words(shop: Shop, analyst: TestClient) -> None:
    ada = shop.customer("ada")
    shop.order("1001", ada, "42.50")
    story = ask(analyst, f"/customers/{ada}/timeline", position=shop.position)["timeline"]
    assert [entry["kind"] for entry in story][:2] == ["order.paid", "order.placed"]
    assert "1001" in story[0]["text"]
    chinese = ask(analyst, f"/customers/{ada}/timeline", lang="zh")["timeline"]
    assert chinese[0]["text"] != story[0]["text"]
    orders = ask(analyst, f"/customers/{ada}/timeline", about="order")["timeline"]
    assert {entry["kind"].split(".")[0] for entry in orders} == {"order"}
    first = ask(analyst, f"/customers/{ada}/timeline", limit=1)
    second = ask(analyst, f"/customers/{ada}/timeline", limit=1, cursor=first["cursor"])
    assert [e["kind"] for e in first["timeline"] + second["timeline"]] == [
        "order.paid",
        "order.placed",
    ]
    replayed = ask(analyst, f"/customers/{ada}/timeline", known_at=shop.position)["timeline"]
    assert replayed == story


def test_why_a_field_is_what_it_is(shop: Shop, analyst: TestClient) -> None:
    ada = shop.customer("ada", person=PERSON)
    shop.does("PUT", f"/customers/{ada}/tags/vip")
    tagged = shop.position
    why = ask(analyst, f"/customers/{ada}/why/tags.vip")
    assert why["deciding"] == [tagged]
    assert why["facts"][0]["data"] == {"tag": "vip"}
    named = ask(analyst, f"/customers/{ada}/why/name")
    assert named["facts"][0]["data"]["person"] == "sealed"
    assert analyst.get(f"/api/customers/{ada}/why/nothing").status_code == 404


def test_why_a_customer_stands_in_a_stage_and_a_tier(shop: Shop, analyst: TestClient) -> None:
    ada = shop.customer("ada")
    known = shop.position
    shop.order("1", ada, "42.50")
    paid = shop.position
    for field in ("stage", "tier"):
        why = ask(analyst, f"/customers/{ada}/why/{field}")
        assert why["deciding"] == [paid]
        assert why["facts"][-1]["type"] == "order.paid"
    before = ask(analyst, f"/customers/{ada}/why/stage", known_at=known)
    assert [fact["type"] for fact in before["facts"]] == ["customer.registered"]
    silent = (datetime.now(UTC) + timedelta(days=91)).isoformat()
    assert ask(analyst, f"/customers/{ada}/why/stage", at=silent)["deciding"] == [paid]


def test_what_happened_later_is_no_reason_for_what_was(shop: Shop, analyst: TestClient) -> None:
    ada = shop.customer("ada")
    shop.order("1", ada, "42.50")
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assert ask(analyst, f"/customers/{ada}/why/net", at=past)["facts"] == []
    assert analyst.get(f"/api/customers/{ada}/why/stage", params={"at": past}).status_code == 404


def test_a_campaign_and_its_curve(shop: Shop, analyst: TestClient) -> None:
    users = [str(n) for n in range(1, 21)]
    for user in users:
        shop.customer(user)
    campaign = shop.does("POST", "/campaigns", code="spring", name="Spring", channel="email")["id"]
    shop.does("POST", f"/campaigns/{campaign}/launch", control_share="0.5", seed=7)
    anchor = (datetime.now(UTC) - timedelta(days=8)).isoformat()
    drawn = shop.does("POST", f"/campaigns/{campaign}/recipients", users=users, anchor=anchor)
    position = {"position": shop.position}
    (listed,) = ask(analyst, "/campaigns", **position)["campaigns"]
    assert listed["recipients"] == 20
    assert listed["treated"] == drawn["treated"]
    curve = ask(analyst, "/campaigns/code:spring/conversion", **position)
    assert {arm["arm"]: arm["recipients"] for arm in curve["arms"]} == {
        "treated": drawn["treated"],
        "control": drawn["control"],
    }
    of_one = ask(analyst, "/customers/user:1/campaigns", **position)["campaigns"]
    assert [entry["campaign"] for entry in of_one] == [campaign]
    assert analyst.get("/api/campaigns/code:none/conversion").status_code == 404


def test_a_recognised_visitors_campaigns_are_the_customers(
    shop: Shop,
    analyst: TestClient,
    services: Services,
    with_scopes: Callable[..., TestClient],
) -> None:
    site = with_scopes("ingest")
    said = {"anonymousId": "a1", "userId": "ada"}
    assert site.post("/v1/page", json={"anonymousId": "a1"}).status_code == 200
    assert site.post("/v1/identify", json=said).status_code == 200
    campaign = shop.does("POST", "/campaigns", code="spring", name="Spring", channel="email")["id"]
    shop.does("POST", f"/campaigns/{campaign}/launch", control_share="0.5", seed=7)
    anchor = datetime.now(UTC).isoformat()
    shop.does("POST", f"/campaigns/{campaign}/recipients", users=["ada"], anchor=anchor)
    visitor = services.ids.anonymous("shop", "a1")
    for moment in ({"position": shop.position}, {"known_at": shop.position}):
        found = ask(analyst, f"/customers/{visitor}/campaigns", **moment)["campaigns"]
        assert [entry["campaign"] for entry in found] == [campaign]


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        ("/customers", {"stage": "happy"}),
        ("/customers", {"sort": "name"}),
        ("/customers", {"cursor": "!"}),
        ("/customers", {"limit": 0}),
        ("/customers", {"position": -1}),
        ("/customers", {"known_at": "then"}),
        ("/customers", {"at": "0001-01-01T00:00:00Z"}),
        ("/customers", {"tag": "a\0"}),
        ("/customers/ada", {}),
        ("/customers/export", {"format": "xml"}),
        ("/customers/export", {"tag": "a\0"}),
        ("/campaigns/x/conversion", {}),
    ],
)
def test_a_malformed_question_is_a_422(
    shop: Shop, analyst: TestClient, place: str, wrong: dict[str, Any]
) -> None:
    shop.customer("ada")
    answer = analyst.get(f"/api{place}", params={"position": shop.position, **wrong})
    assert answer.status_code == 422, answer.text
