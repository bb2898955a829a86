"""Who was seen whole is written down before it is answered."""

from collections.abc import Callable
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from api.access import TABLE
from infra.keys import Role
from infra.postgres import WRITER, connect
from tests.api.looking.marks import WHOLE, at, marked, places, reads, shown
from tests.api.shop import Shop, ask, recorded

ELSEWHERE = {
    "GET /api/audit/orders/{id}",  # by the way of tickets
    "GET /api/audit/campaigns/{id}/recipients/{recipient}",  # by the way of tickets
    "GET /api/customers/export",
    "GET /api/audit/facts/export",
    "GET /api/refused",
    "GET /api/refused/{id}",
    "GET /api/customers/{id}/dossier",  # by its own tests
    "POST /api/customers/look-up",  # by its own tests
}
"""Operations that show somebody, whose traces other tests look at."""


def test_a_read_says_who_whose_what_why_and_by_which_request(
    shop: Shop, ada: str, with_roles: Callable[..., TestClient], auditor: TestClient
) -> None:
    grace = with_roles(Role.AGENT, name="grace")
    answer = grace.get(f"/api/customers/{ada}", params=at(shop))
    (read,) = reads(auditor)
    assert read["by"]["name"] == "grace"
    assert read["customers"] == [ada]
    assert read["operation"] == "GET /api/customers/{id}"
    assert read["basis"] == "serves them"
    assert read["request"] == answer.headers["X-Request-ID"]
    assert (read["reason"], read["count"], read["conditions"]) == (None, None, {})


def test_every_way_to_see_somebody_is_written_down(
    shop: Shop,
    ada: str,
    with_roles: Callable[..., TestClient],
    with_scopes: Callable[..., TestClient],
    auditor: TestClient,
) -> None:
    officer = with_roles(Role.PRIVACY_OFFICER)
    note = ask(auditor, "/audit/facts", type="customer.note-added")["facts"][0]["stream"]
    ticket = ask(auditor, "/audit/facts", type="ticket.opened")["facts"][0]["stream"]
    said = {"userId": "ada", "anonymousId": "v1", "traits": {"email": "ada@example.com"}}
    heard = with_scopes("ingest").post("/v1/identify", json=said)
    shop.position = int(heard.headers["X-Position"])
    message = ask(auditor, "/audit/facts", type="activity.identified")["facts"][0]["position"]
    ways = {
        **{f"/api{place}": at(shop) for place in places(ada)},
        "/api/customers": at(shop),
        "/api/customers/by/phone/+44 20 7946 0018": at(shop),
        "/api/customers/by/anonymous/v1": at(shop),
        f"/api/customers/{ada}/consents": {},
        f"/api/audit/customers/{ada}": {},
        f"/api/audit/tickets/{ticket}": {},
        "/api/audit/facts": {"stream": note},
        f"/api/audit/facts/{message}/original": {},
        "/api/audit/access": {"customer": "user:ada"},
    }
    because = {"reason": "So that I can call me Countess"}
    ask(auditor, f"/customers/{ada}", **at(shop))  # a reveal does not wait for the views
    assert officer.post(f"/api/customers/{ada}/reveal", json=because).status_code == 200
    for number, (way, wanted) in enumerate(ways.items(), 2):
        answer = officer.get(way, params=wanted)
        assert marked(answer.text), way
        found = reads(auditor, customer=ada)
        assert len(found) == number, way
        assert found[0]["basis"] == "role privacy-officer"
        assert found[0]["request"] == answer.headers["X-Request-ID"]
    noted = {read["operation"] for read in reads(auditor)}
    assert noted | ELSEWHERE == {name for name, entry in TABLE.items() if entry.shows}


def test_the_quick_way_past_the_framework_is_written_down_too(
    shop: Shop,
    ada: str,
    with_roles: Callable[..., TestClient],
    auditor: TestClient,
    stranger: TestClient,
) -> None:
    def name(role: Role, called: str = "a test") -> str:
        key = with_roles(role, name=called).headers["Authorization"]
        answer = stranger.get(f"/api/customers/{ada}", headers={"Authorization": key})
        told: str = answer.json()["name"]
        return told

    ask(auditor, f"/customers/{ada}", **at(shop))
    for number in range(1, 6):  # the first ones wait for its wires
        assert name(Role.PRIVACY_OFFICER) == WHOLE
        assert len(reads(auditor, customer=ada)) == number
    assert name(Role.AGENT, "grace") == WHOLE
    assert [read["basis"] for read in reads(auditor)][:2] == ["serves them", "role privacy-officer"]
    assert {name(role) for role in (Role.AGENT, Role.ANALYST, Role.AUDITOR)} == {"A••• L•••"}
    assert len(reads(auditor)) == 6


def test_an_export_is_written_down_once_with_its_conditions_and_count(
    shop: Shop, ada: str, with_scopes: Callable[..., TestClient], auditor: TestClient
) -> None:
    shop.customer("bob", person={"name": "Bob Marley"})
    whole = with_scopes("query", "audit", "personal")
    ask(whole, f"/customers/{ada}", **at(shop))
    wanted = {"format": "ndjson", "known": "true"}
    lines = whole.get("/api/customers/export", params=wanted).text.splitlines()
    facts = whole.get("/api/audit/facts/export", params={"customer": ada}).text.splitlines()
    assert marked(lines[0]) or marked(lines[1])
    audit, customers, _ = reads(auditor)
    assert customers["operation"] == "GET /api/customers/export"
    assert customers["conditions"] == {"known": True}
    assert (customers["customers"], customers["count"]) == (None, len(lines))
    assert (audit["customers"], audit["count"]) == (None, len(facts))
    assert audit["conditions"]["origins"] == [ada]
    assert audit["basis"] == "scope personal"


def test_reads_are_found_by_whom_by_whose_and_by_when(
    shop: Shop, ada: str, with_roles: Callable[..., TestClient], auditor: TestClient
) -> None:
    bob = shop.customer("bob", person={"name": "Bob Marley"})
    officer, other = (with_roles(Role.PRIVACY_OFFICER, name=name) for name in ("eve", "mallory"))
    for client, customer in ((officer, ada), (officer, bob), (other, bob)):
        ask(client, f"/customers/{customer}", **at(shop))
    latest, middle, first = reads(auditor)
    assert [read["by"]["name"] for read in (first, middle, latest)] == ["eve", "eve", "mallory"]
    assert reads(auditor, customer=ada) == [first]
    assert reads(auditor, customer=bob, actor=first["by"]["id"]) == [middle]
    assert reads(auditor, since=latest["at"]) == [latest]
    assert reads(auditor, until=middle["at"]) == [first]
    page = ask(auditor, "/audit/access", limit=2)
    assert page["reads"] == [latest, middle]
    assert ask(auditor, "/audit/access", limit=2, after=page["next"])["reads"] == [first]


def test_a_read_that_cannot_be_written_down_is_refused(
    shop: Shop,
    ada: str,
    with_roles: Callable[..., TestClient],
    database_url: str,
    stranger: TestClient,
) -> None:
    officer, analyst = with_roles(Role.PRIVACY_OFFICER), with_roles(Role.ANALYST)
    ask(officer, f"/customers/{ada}", **at(shop))
    with connect(database_url) as owner:
        owner.execute("revoke insert on log.access from huike_writer")
        places_now = [*places(ada), "/customers", "/customers/export", f"/audit/customers/{ada}"]
        for place in places_now:
            answer = stranger.get(f"/api{place}", headers=officer.headers)
            assert answer.status_code == 503, place
            assert "could not be written to the access log" in answer.json()["detail"], place
            assert shown(answer) == [], place
        refused = officer.post(f"/api/customers/{ada}/reveal", json={"reason": "She calls"})
        assert refused.status_code == 503
        assert shown(refused) == []
        assert ask(analyst, f"/customers/{ada}", **at(shop))["masked"]
        owner.execute("grant insert on log.access to huike_writer")
    assert "customer.personal-data-revealed" not in recorded(officer)
    assert ask(officer, f"/customers/{ada}", **at(shop))["name"] == WHOLE


def test_what_was_read_stands_nowhere_in_the_clear_and_nobody_may_change_it(
    shop: Shop, ada: str, with_roles: Callable[..., TestClient], database_url: str
) -> None:
    ask(with_roles(Role.PRIVACY_OFFICER), f"/customers/{ada}", **at(shop))
    with connect(database_url) as owner:
        (row,) = owner.execute("select a::text from log.access a").fetchall()
    assert ada not in row[0]
    assert UUID(ada).hex not in row[0]
    assert "/api/" not in row[0]
    with connect(database_url, WRITER) as writer:
        for forbidden in ("delete from log.access", "update log.access set at = now()"):
            with pytest.raises(Exception, match="permission denied"):
                writer.execute(forbidden.encode())


def test_what_was_refused_is_seen_with_a_trace(
    with_scopes: Callable[..., TestClient], with_roles: Callable[..., TestClient]
) -> None:
    properties = {"order_id": "1", "total": "1", "currency": "TEA"}
    bad = {"event": "Order Completed", "userId": "ada", "properties": properties}
    with_scopes("ingest").post("/v1/track", json=bad)
    officer, auditor = with_roles(Role.PRIVACY_OFFICER), with_roles(Role.AUDITOR)
    assert ask(auditor, "/refused")["refused"][0]["message"] is None
    assert reads(auditor) == []
    seen = ask(officer, "/refused")["refused"][0]
    assert '"ada"' in seen["message"]
    (read,) = reads(auditor)
    assert read["conditions"] == {"refused": [seen["id"]]}
