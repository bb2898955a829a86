"""Forgetting over HTTP: officers ask, customers ask by their own link, and it is told of."""

from collections.abc import Callable
from datetime import timedelta
from html import escape
from pathlib import Path
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from api.erasure_pages import WORDS
from api.parameters import Language
from api.services import Services
from api.staying import STAYS
from commands.erasure import BeginErasure
from consumers.erasure import carrying_out
from consumers.erasure.checking import verify
from consumers.erasure.due import carry_out_due
from domain.shared.log import Actor
from infra import clock, erasures
from infra.keys import Role
from infra.links import token_of
from infra.postgres import WRITER, connect
from infra.settings import Settings
from tests.consumers.following import eventually

ADA = {"user": "ada", "person": {"name": "Ada Lovelace", "email": "ada@example.com"}}
OF_ADA = "/api/customers/user:ada"


@pytest.fixture
def officer(
    with_roles: Callable[..., TestClient], with_scopes: Callable[..., TestClient]
) -> TestClient:
    assert with_scopes("command").post("/api/customers", json=ADA).status_code == 201
    return with_roles(Role.PRIVACY_OFFICER)


@pytest.fixture
def ada(services: Services) -> UUID:
    return services.ids.user("shop", "ada")


@pytest.fixture
def link(services: Services, ada: UUID) -> str:
    return f"/forget-me?token={token_of(services.ids, ada, clock.now() + timedelta(days=1))}"


def stands(officer: TestClient) -> list[tuple[str, str]]:
    found = officer.get("/api/erasures").json()["erasures"]
    return [(it["asked_by"], it["state"]) for it in found]


def test_an_officer_asks_and_takes_back(officer: TestClient) -> None:
    asked = officer.post(f"{OF_ADA}/erasure")
    assert asked.status_code == 202
    erasure = asked.json()["erasure"]
    assert officer.post(f"{OF_ADA}/erasure").json()["erasure"] == erasure
    told = officer.get(f"/api/erasures/{erasure}").json()
    assert (told["state"], told["waits_for"], told["certified"]) == ("waiting", [], False)
    assert officer.delete(f"{OF_ADA}/erasure").status_code == 202
    assert stands(officer) == [("officer", "cancelled")]


def test_what_was_taken_back_waits_for_nothing(officer: TestClient, database_url: str) -> None:
    erasure = officer.post(f"{OF_ADA}/erasure").json()["erasure"]
    officer.put(f"{OF_ADA}/legal-hold", json={"reason": "A claim"})
    with connect(database_url, WRITER) as worker:
        erasures.follow(worker)
        erasures.tell_holds(worker)
    held = officer.get(f"/api/erasures/{erasure}").json()
    assert (held["state"], held["waits_for"]) == ("waiting", ["legal-hold"])
    officer.delete(f"{OF_ADA}/erasure")
    told = officer.get(f"/api/erasures/{erasure}").json()
    assert (told["state"], told["waits_for"]) == ("cancelled", [])


def test_while_there_is_no_certificate_it_is_said_why(officer: TestClient) -> None:
    erasure = officer.post(f"{OF_ADA}/erasure").json()["erasure"]
    due = officer.get(f"/api/erasures/{erasure}").json()["due_at"]
    waiting = officer.get(f"/api/erasures/{erasure}/certificate")
    assert (waiting.status_code, waiting.json()["state"]) == (404, "waiting")
    when = due[:16].replace("T", " ")
    assert waiting.json()["detail"].endswith(
        f"no certificate: it is still waiting, due {when} UTC."
    )
    officer.delete(f"{OF_ADA}/erasure")
    page = officer.get(f"/api/erasures/{erasure}/certificate/page")
    assert page.json()["detail"].endswith("no certificate: it was taken back.")
    unknown = officer.get(f"/api/erasures/{UUID(int=7)}/certificate")
    assert unknown.json()["detail"] == f"There is no erasure {UUID(int=7)}."


def test_a_legal_hold_is_placed_and_lifted(officer: TestClient) -> None:
    body = {"reason": "A claim"}
    placed = officer.put(f"{OF_ADA}/legal-hold", json=body)
    assert placed.status_code == 202
    assert officer.put(f"{OF_ADA}/legal-hold", json=body).json()["position"] is None
    assert officer.put(f"{OF_ADA}/legal-hold/lifting", json=body).json()["position"] is not None


def test_too_late_is_said(officer: TestClient, services: Services, ada: UUID) -> None:
    erasure = UUID(officer.post(f"{OF_ADA}/erasure").json()["erasure"])
    services.crm.dispatch(
        BeginErasure(customer=ada, erasure=erasure, identities=(ada,), upto=services.reader.last()),
        actor=Actor(kind="process", id="erasures"),
        shop="shop",
        source="erasures",
    )
    assert stands(officer) == [("officer", "erasing")]
    held = officer.put(f"{OF_ADA}/legal-hold", json={"reason": "A claim"})
    for late in (officer.delete(f"{OF_ADA}/erasure"), held):
        assert (late.status_code, late.json()["type"]) == (
            409,
            "urn:huike:problem:being-forgotten",
        )
    assert officer.post(f"{OF_ADA}/erasure").json()["erasure"] == str(erasure)


def test_nobody_else_asks_that_somebody_be_forgotten(
    officer: TestClient, with_roles: Callable[..., TestClient]
) -> None:
    assert officer is not None
    for role in set(Role) - {Role.PRIVACY_OFFICER}:
        assert with_roles(role).post(f"{OF_ADA}/erasure").status_code == 403, role


def test_an_erasure_cannot_be_said_to_have_been_asked_for_earlier(officer: TestClient) -> None:
    earlier = officer.post(f"{OF_ADA}/erasure", params={"occurred_at": "2020-01-01T00:00:00Z"})
    assert earlier.status_code == 422


@pytest.mark.parametrize(("lang", "yes"), [("en", "Yes, forget me"), ("zh", "是的，请遗忘我")])
def test_a_customer_asks_by_their_own_link_without_a_key(
    officer: TestClient, stranger: TestClient, link: str, lang: str, yes: str
) -> None:
    page = stranger.get(f"{link}&lang={lang}")
    assert page.status_code == 200
    assert yes in page.text
    assert stands(officer) == []  # to look is not to ask
    assert stranger.post(f"{link}&lang={lang}").status_code == 200
    assert stranger.post(link).status_code == 200
    assert stands(officer) == [("customer", "waiting")]


def test_a_link_that_ended_or_was_changed_asks_for_nothing(
    officer: TestClient, stranger: TestClient, services: Services, ada: UUID, link: str
) -> None:
    ended = token_of(services.ids, ada, clock.now() - timedelta(seconds=2))
    changed = link[:-1] + ("A" if link[-1] != "A" else "B")
    for address in (f"/forget-me?token={ended}", changed, "/forget-me", "/forget-me?token=%00"):
        assert "does not work" in stranger.get(address).text
        assert "does not work" in stranger.post(address).text
    assert stands(officer) == []


def test_a_link_of_nobody_known_asks_for_nothing(stranger: TestClient, services: Services) -> None:
    token = token_of(services.ids, UUID(int=5), clock.now() + timedelta(days=1))
    assert "does not work" in stranger.post(f"/forget-me?token={token}").text


def test_the_page_keeps_its_address_to_itself(stranger: TestClient, link: str) -> None:
    headers = stranger.get(link).headers
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


@pytest.mark.slow
def test_a_certificate_is_given_printed_and_holds(  # noqa: PLR0913, PLR0917  # the whole way
    officer: TestClient,
    services: Services,
    settings: Settings,
    live: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert live is None
    monkeypatch.setattr(carrying_out, "FORGOTTEN_WITHIN_SECONDS", 0.5)
    services.settings = settings.model_copy(update={"erasure_days": 0})
    erasure = officer.post(f"{OF_ADA}/erasure").json()["erasure"]

    def certified() -> bool:
        carry_out_due(settings)
        return stands(officer) == [("officer", "certified")]

    eventually(certified, "a certificate")
    given = officer.get(f"/api/erasures/{erasure}/certificate")
    file = tmp_path / "certificate.json"
    file.write_bytes(given.content)
    assert verify(settings, file) == 0, capsys.readouterr().out
    for lang, title in (("en", "Certificate of erasure"), ("zh", "数据销毁证明")):
        page = officer.get(f"/api/erasures/{erasure}/certificate/page", params={"lang": lang})
        assert title in page.text
        assert given.json()["signature"] in page.text
        assert WORDS[Language(lang)]["digest.what"] in page.text
        assert all(escape(line.words[Language(lang)]) in page.text for line in STAYS)
    altered = given.content.replace(b'"refused": 0', b'"refused": 1')
    file.write_bytes(altered)
    assert verify(settings, file) == 1
    assert "changed after it was signed" in capsys.readouterr().out
    with services.writer.connection() as connection:
        for instead in (altered, b"no certificate"):
            connection.execute("update log.erasure set certificate = %s", (instead,))
            asked = officer.get(f"/api/erasures/{erasure}/certificate")
            assert (asked.status_code, asked.json()["type"]) == (
                409,
                "urn:huike:problem:other-certificate",
            )
    assert officer.get(OF_ADA).json()["email"] is None
