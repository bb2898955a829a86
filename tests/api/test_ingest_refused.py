"""What was refused can be looked at, and sent again after a fix."""

import json
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from api.services import Services
from commands.shop import Sent
from commands.shop.parcel import pack_refused
from domain.order.events import OrderPlaced
from domain.shared.ids import Ids
from tests.keys import make_key
from tests.refused import refused

NAMELESS = {"type": "track", "event": "Product Viewed", "messageId": "m1"}
VIEWED = {"type": "track", "userId": "42", "event": "Product Viewed"}


@pytest.fixture
def site(with_scopes: Callable[..., TestClient]) -> TestClient:
    return with_scopes("ingest")


@pytest.fixture
def auditor(with_scopes: Callable[..., TestClient]) -> TestClient:
    return with_scopes("audit", "admin", "personal")


def keep(services: Services, message: object) -> str:
    """Keep a message as one that an older Huike refused and this one understands."""
    sent = Sent(raw=json.dumps(message).encode(), message_id="m1")
    about, packet = refused(
        pack_refused(sent),
        currency="EUR",
        shop="shop",
        reason="missing-amount",
        detail="It says of no amount.",
        place="event 0",
    )
    services.refused.keep([(about, packet)])
    return str(about.id)


def test_what_was_refused_is_listed_with_its_reason(site: TestClient, auditor: TestClient) -> None:
    site.post("/v1/batch", json={"batch": [NAMELESS, {"type": "dance", "userId": "42"}]})
    found = auditor.get("/api/refused").json()["refused"]
    assert {one["reason"] for one in found} == {"missing-id", "unknown-type"}
    (one,) = auditor.get("/api/refused", params={"reason": "missing-id"}).json()["refused"]
    assert one["place"] == "event 0"
    assert one["door"] == "http"
    assert one["detail"]
    assert json.loads(one["message"])["batch"] == [NAMELESS]
    assert auditor.get(f"/api/refused/{one['id']}").json() == one


def test_a_mistake_of_ours_costs_the_other_events_of_its_batch_nothing(
    with_scopes: Callable[..., TestClient],
    site: TestClient,
    auditor: TestClient,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    derive = Ids.message

    def stumble(ids: Ids, shop: str, source: str, id: str) -> UUID:
        if id == "m2":
            raise ZeroDivisionError
        return derive(ids, shop, source, id)

    with monkeypatch.context() as patch, capture_logs() as lines:
        patch.setattr(Ids, "message", stumble)
        events = [{**VIEWED, "messageId": name} for name in ("m1", "m2", "m3")]
        answer = site.post("/v1/batch", json={"batch": events})
    assert answer.status_code == 200
    assert [(r["status"], r.get("reason")) for r in answer.json()["results"]] == [
        ("accepted", None),
        ("rejected", "not-recorded"),
        ("accepted", None),
    ]
    (why,) = [line for line in lines if line["event"] == "not translated"]
    assert why["exc_info"]
    counted = with_scopes("metrics").get("/metrics").text
    assert 'huike_refusals_total{reason="not-recorded"} 1.0' in counted
    (kept,) = auditor.get("/api/refused").json()["refused"]
    assert (kept["reason"], kept["place"]) == ("not-recorded", "event 1")
    assert auditor.post(f"/api/refused/{kept['id']}/resend").json()["outcome"] == "accepted"
    assert len(list(services.reader.read(0, 100))) == 4, "three events and a customer"


def test_pages_follow_each_other(site: TestClient, auditor: TestClient) -> None:
    site.post("/v1/batch", json={"batch": [NAMELESS] * 5})
    seen: list[str] = []
    after = None
    while True:
        page = auditor.get(
            "/api/refused", params={"limit": 2, **({"after": after} if after else {})}
        )
        seen += [one["id"] for one in page.json()["refused"]]
        after = page.json()["next"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 5


def test_what_was_sent_is_shown_to_those_who_may_see_persons(
    site: TestClient, with_scopes: Callable[..., TestClient]
) -> None:
    site.post("/v1/track", json=NAMELESS)
    (one,) = with_scopes("audit").get("/api/refused").json()["refused"]
    assert one["message"] is None


@pytest.mark.parametrize("scope", ["ingest", "query", "command", "personal"])
def test_only_auditors_and_administrators_look(
    with_scopes: Callable[..., TestClient], scope: str
) -> None:
    client = with_scopes(scope)
    assert client.get("/api/refused").status_code == 403
    assert client.post(f"/api/refused/{uuid4()}/resend").status_code == 403


def test_it_is_sealed_where_it_lies(site: TestClient, services: Services) -> None:
    site.post("/v1/track", json={**NAMELESS, "properties": {"mail": "ada@example.com"}})
    with services.writer.connection() as connection:
        (row,) = connection.execute("select r::text, sealed from log.refused r").fetchall()
    assert "ada@" not in row[0]
    assert b"ada@" not in row[1]


def test_after_a_fix_it_is_sent_again_and_recorded_once(
    auditor: TestClient, services: Services
) -> None:
    kept = keep(
        services,
        {
            "type": "track",
            "userId": "42",
            "event": "Order Completed",
            "properties": {"order_id": "1001", "total": 5},
        },
    )
    answer = auditor.post(f"/api/refused/{kept}/resend")
    assert answer.status_code == 200
    assert answer.json()["outcome"] == "accepted"
    assert answer.json()["resent_at"]
    assert auditor.post(f"/api/refused/{kept}/resend").json()["outcome"] == "duplicate"
    history = services.log.stream(services.ids.order("shop", "1001"))
    assert [fact.type for fact in history] == ["order.placed", "order.paid"]
    assert isinstance(history[0].event, OrderPlaced)
    assert history[0].event.currency == "EUR", "as its door meant when it first came in"


def test_what_is_still_wrong_is_refused_again(site: TestClient, auditor: TestClient) -> None:
    site.post("/v1/track", json=NAMELESS)
    site.post("/v1/track", content=b"{")
    for one in auditor.get("/api/refused").json()["refused"]:
        again = auditor.post(f"/api/refused/{one['id']}/resend").json()
        assert again["outcome"] == one["reason"]


def test_one_that_was_refused_alone_is_sent_again_as_what_it_was(
    site: TestClient, auditor: TestClient, services: Services
) -> None:
    _, secret = make_key(services.settings.log_url, "site", "ingest")
    order = {"order_id": "1001", "total": "NaN"}
    told = {"userId": "42", "event": "Order Completed", "properties": order, "writeKey": secret}
    assert site.post("/v1/track", json=told).status_code == 400
    assert site.post("/v1/batch", json={"batch": 7, "writeKey": secret}).status_code == 400
    whole, one = auditor.get("/api/refused").json()["refused"]
    assert (one["reason"], whole["reason"]) == ("not-a-number", "wrong-type")
    assert auditor.post(f"/api/refused/{one['id']}/resend").json()["outcome"] == "not-a-number"
    packets = services.refused.open([services.refused.find(UUID(k["id"])) for k in (one, whole)])
    assert not [p for p in packets.values() if secret.encode() in p.message]


def test_there_must_be_such_an_event(auditor: TestClient) -> None:
    assert auditor.get(f"/api/refused/{uuid4()}").status_code == 404
    assert auditor.post(f"/api/refused/{uuid4()}/resend").status_code == 404
