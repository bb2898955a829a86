"""Who sees whom whole, and that it is written down before it is answered."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from starlette.testclient import TestClient

from api.access import TABLE
from api.services import Services
from domain.shared.channel import Channel
from domain.shared.log import Actor, Append, Draft, Who
from domain.ticket.events import TicketKind, TicketOpened
from infra import clock
from infra.keys import Role
from infra.postgres import READER, WRITER, connect
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

MARKS = ("Ada Lovelace", "ada@example.com", "7946 0018", "shoe-38", "came open", "call me Countess")
WHOLE = "Ada Lovelace"


@pytest.fixture
def shop(with_scopes: Callable[..., TestClient], live: None) -> Shop:  # noqa: ARG001  # the views follow
    return Shop(with_scopes("command"))


@pytest.fixture
def ada(shop: Shop) -> str:
    person = {"name": WHOLE, "email": "ada@example.com", "phone": "+44 20 7946 0018"}
    customer = shop.customer("ada", person=person, traits={"shoe": "shoe-38"})
    shop.does("POST", f"/customers/{customer}/notes", text="call me Countess")
    ticket = shop.does(
        "POST",
        "/tickets",
        kind="complaint",
        channel="phone",
        about="It came open",
        customer=customer,
    )["id"]
    shop.does("PUT", f"/tickets/{ticket}/agent", agent="grace")
    return customer


@pytest.fixture
def auditor(with_roles: Callable[..., TestClient]) -> TestClient:
    return with_roles(Role.AUDITOR, name="auditor")


def places(customer: str) -> list[str]:
    """Return what is asked about one customer that holds personal data."""
    return [
        f"/customers/{customer}",
        "/customers/by/user/ada",
        "/customers/by/email/ada@example.com",
        f"/customers/{customer}/timeline",
        f"/customers/{customer}/why/name",
    ]


def reads(auditor: TestClient, **wanted: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(auditor, "/audit/access", **wanted)["reads"]
    return found


def marked(answer: str) -> list[str]:
    return [mark for mark in MARKS if mark in answer]


def shown(answer: httpx2.Response) -> list[str]:
    """Return the marks of an answer, apart from the path that was asked for."""
    return marked(answer.text.replace(answer.request.url.path, ""))


def test_masks_are_shown_to_every_role_but_those_of_the_table(
    shop: Shop, ada: str, with_roles: Callable[..., TestClient], auditor: TestClient
) -> None:
    for role in set(Role) - {Role.PRIVACY_OFFICER}:
        client = with_roles(role)
        for place in [*places(ada), "/customers", "/customers/export"]:
            answer = client.get(f"/api{place}", params={} if "export" in place else at(shop))
            assert answer.status_code in {200, 403}, (role, place, answer.text)
            assert shown(answer) == [], (role, place)
    for place in (f"/audit/customers/{ada}", "/audit/facts", "/audit/facts/export"):
        assert marked(auditor.get(f"/api{place}").text) == [], place
    assert reads(auditor) == []


def at(shop: Shop) -> dict[str, Any]:
    return {"position": shop.position}


def test_an_agent_sees_whole_whom_they_serve_and_nobody_else(
    shop: Shop, ada: str, with_roles: Callable[..., TestClient]
) -> None:
    bob = shop.customer("bob", person={"name": "Bob Marley"})
    grace, heidi = (with_roles(Role.AGENT, name=name) for name in ("grace", "heidi"))
    assert ask(grace, f"/customers/{ada}", **at(shop))["name"] == WHOLE
    for place in places(ada):
        assert marked(grace.get(f"/api{place}", params=at(shop)).text), place
        assert not marked(heidi.get(f"/api{place}", params=at(shop)).text), place
    assert ask(grace, f"/customers/{bob}", **at(shop))["name"] == "B••• M•••"
    everybody = ask(grace, "/customers", **at(shop))["customers"]
    assert all(customer["masked"] for customer in everybody)
    then = clock.now() + timedelta(days=1)
    assert ask(grace, f"/customers/{ada}", at=then.isoformat())["name"] == WHOLE


def test_an_agent_of_the_same_name_in_another_shop_serves_nobody_here(
    shop: Shop, ada: str, with_roles: Callable[..., TestClient], auditor: TestClient
) -> None:
    namesake = with_roles(Role.AGENT, name="grace", shop="other")
    for place in (f"/customers/{ada}", f"/customers/{ada}/timeline"):
        assert not marked(namesake.get(f"/api{place}", params=at(shop)).text), place
    assert reads(auditor) == []


def test_a_ticket_about_another_shops_customer_is_not_opened_and_shows_nobody(
    ada: str, with_roles: Callable[..., TestClient], services: Services
) -> None:
    mallory = with_roles(Role.AGENT, name="mallory", shop="other")
    about = {"kind": "inquiry", "channel": "email", "about": "tea"}
    answer = mallory.post("/api/tickets", json={"customer": ada, **about})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:huike:problem:not-found")
    opened = record_ticket(services, UUID(ada), shop="other")  # as it was once allowed
    theirs = Shop(mallory)
    theirs.does("PUT", f"/tickets/{opened}/agent", agent="mallory")
    assert ask(mallory, f"/customers/{ada}", **at(theirs))["masked"]


def record_ticket(services: Services, customer: UUID, *, shop: str) -> UUID:
    """Record a ticket of a shop about whomever, undecided."""
    ticket = services.ids.ticket(shop, "T-9")
    event = TicketOpened(
        number="T-9", kind=TicketKind.INQUIRY, channel=Channel.EMAIL, about="tea", order=None
    )
    draft = Draft(event=event, occurred_at=clock.now(), who=Who(user=customer), stream=ticket)
    append = Append(facts=(draft,), actor=Actor("key", "test"), shop=shop, source="site")
    services.log.append(append)
    return ticket


def test_who_closed_the_ticket_serves_no_more(
    shop: Shop, ada: str, with_roles: Callable[..., TestClient]
) -> None:
    grace = with_roles(Role.AGENT, name="grace")
    story = ask(grace, f"/customers/{ada}/timeline", **at(shop))["timeline"]
    ticket = next(told["stream"] for told in story if told["kind"] == "ticket.opened")
    shop.does("POST", f"/tickets/{ticket}/resolution", outcome="A new one")
    assert ask(grace, f"/customers/{ada}", **at(shop))["name"] == WHOLE
    shop.does("POST", f"/tickets/{ticket}/closing")
    assert ask(grace, f"/customers/{ada}", **at(shop))["name"] == "A••• L•••"


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
        f"/api/audit/customers/{ada}": {},
        f"/api/audit/tickets/{ticket}": {},
        "/api/audit/facts": {"stream": note},
        f"/api/audit/facts/{message}/original": {},
        "/api/audit/access": {"customer": ada},
    }
    because = {"reason": "So that I can call me Countess"}
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


def test_a_reveal_says_why_is_a_fact_and_stands_in_the_access_log(
    shop: Shop, ada: str, with_roles: Callable[..., TestClient], auditor: TestClient
) -> None:
    heidi = with_roles(Role.AGENT, name="heidi")
    assert ask(heidi, f"/customers/{ada}", **at(shop))["masked"]
    answer = heidi.post(f"/api/customers/{ada}/reveal", json={"reason": "She asks for a call."})
    assert (answer.json()["name"], answer.json()["private"]["shoe"]) == (WHOLE, "shoe-38")
    (fact,) = ask(auditor, "/audit/facts", type="customer.personal-data-revealed")["facts"]
    assert fact["position"] == int(answer.headers["X-Position"])
    assert fact["by"]["name"] == "heidi"
    assert fact["correlation"] == answer.headers["X-Request-ID"]
    assert fact["data"] == {
        "reason": "sealed",
        "fields": ["name", "email", "phone", "person", "private"],
    }
    (read,) = reads(auditor, customer=ada)
    assert (read["basis"], read["reason"]) == ("revealed", "sealed")
    assert read["request"] == fact["correlation"]
    shop.position = fact["position"]
    assert ask(heidi, f"/customers/{ada}", **at(shop))["masked"]
    told = ask(heidi, f"/customers/{ada}/timeline", lang="zh", **at(shop))["timeline"][0]
    assert told["text"] == "个人信息被查看"


def test_why_somebody_was_revealed_is_told_to_who_sees_persons_and_that_is_written_down(
    shop: Shop, ada: str, with_roles: Callable[..., TestClient], auditor: TestClient
) -> None:
    heidi, officer = with_roles(Role.AGENT, name="heidi"), with_roles(Role.PRIVACY_OFFICER)
    ask(heidi, f"/customers/{ada}", **at(shop))
    heidi.post(f"/api/customers/{ada}/reveal", json={"reason": "Ada Lovelace calls"})
    assert "Lovelace" not in auditor.get("/api/audit/access").text
    (seen,) = reads(officer)
    assert seen["reason"] == "Ada Lovelace calls"
    read, revealed = reads(auditor)
    assert (read["operation"], read["customers"]) == ("GET /api/audit/access", [ada])
    assert revealed["reason"] == "sealed"


def test_a_reveal_without_a_reason_shows_nothing(
    shop: Shop, ada: str, with_roles: Callable[..., TestClient], auditor: TestClient
) -> None:
    sales = with_roles(Role.SALES)
    ask(sales, f"/customers/{ada}", **at(shop))
    for body in ({}, {"reason": ""}, {"reason": "  "}, {"reason": None}):
        answer = sales.post(f"/api/customers/{ada}/reveal", json=body)
        assert answer.status_code == 422
        assert marked(answer.text) == []
    nobody = sales.post(f"/api/customers/{UUID(int=1)}/reveal", json={"reason": "Who?"})
    assert nobody.status_code == 404
    analyst = with_roles(Role.ANALYST).post(
        f"/api/customers/{ada}/reveal", json={"reason": "Curious"}
    )
    assert analyst.status_code == 403
    assert reads(auditor) == []
    assert not ask(auditor, "/audit/facts", type="customer.personal-data-revealed")["facts"]


def test_the_role_of_bi_tools_sees_nothing_of_a_person(
    shop: Shop, ada: str, with_scopes: Callable[..., TestClient], services: Services
) -> None:
    assert ask(with_scopes("query", "personal"), f"/customers/{ada}", **at(shop))["name"] == WHOLE
    ask(with_scopes("query"), f"/customers/{ada}/timeline", **at(shop))
    url = services.settings.views_or_log_url
    assert url is not None
    with connect(url, READER) as reader:
        tables = [
            name
            for (name,) in reader.execute(
                "select table_name from information_schema.tables where table_schema = 'huike'"
            )
        ]
        rows = [row for t in tables for row in reader.execute(f"table huike.{t}".encode())]
    cells = [bytes(c) if isinstance(c, memoryview) else c for row in rows for c in row]
    seen = b"\n".join(c if isinstance(c, bytes) else str(c).encode() for c in cells)
    assert b"a\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2@e" in seen
    assert [mark for mark in MARKS if mark.encode() in seen] == []
