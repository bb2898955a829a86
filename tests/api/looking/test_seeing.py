"""Who sees whom whole."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from starlette.testclient import TestClient

from api.services import Services
from domain.shared.channel import Channel
from domain.shared.log import Actor, Append, Draft, Who
from domain.ticket.events import TicketKind, TicketOpened
from infra import clock
from infra.keys import Role
from infra.postgres import READER, connect
from tests.api.looking.marks import MARKS, WHOLE, at, marked, places, reads, shown
from tests.api.shop import Shop, ask


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
