"""A dossier tells what was refused, who read it, and how somebody was forgotten."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.services import Services
from commands.shop.contract import BATCH_EVENTS
from consumers.erasure import carrying_out
from consumers.erasure.due import carry_out_due
from infra.keys import Role
from infra.settings import Settings
from tests.api.shop import Shop, ask
from tests.consumers.following import eventually

ADA = {"name": "Ada Lovelace", "email": "ada@example.com", "phone": "+44 20 7946 0018"}
OF_ADA = "/customers/user:ada"
TEA = {"order_id": "1", "total": "1", "currency": "TEA"}


@pytest.fixture
def site(with_scopes: Callable[..., TestClient]) -> TestClient:
    return with_scopes("ingest")


@pytest.fixture
def officer(
    site: TestClient, with_scopes: Callable[..., TestClient], with_roles: Callable[..., TestClient]
) -> TestClient:
    """Look after Ada, who was here before she was known."""
    shop = Shop(with_scopes("command"))
    shop.customer("ada", person=ADA)
    shop.customer("bob", person={"email": "bob@example.com"})
    recognised = {"userId": "ada", "anonymousId": "a-1"}
    assert site.post("/v1/identify", json=recognised).json()["success"]
    return with_roles(Role.PRIVACY_OFFICER, name="grace")


def refuse(site: TestClient, **message: Any) -> None:
    sent = {"event": "Order Completed", "properties": TEA, **message}
    assert not site.post("/v1/track", json=sent).json()["success"]


def told(officer: TestClient, **wanted: Any) -> dict[str, Any]:
    answer: dict[str, Any] = ask(officer, f"{OF_ADA}/dossier", **wanted)
    return answer


def page(officer: TestClient, lang: str) -> str:
    wanted = {"format": "html", "lang": lang}
    return officer.get(f"/api{OF_ADA}/dossier", params=wanted).text


def test_what_was_refused_of_theirs_is_told_by_whatever_it_names_them(
    officer: TestClient, site: TestClient
) -> None:
    refuse(site, userId="ada")
    refuse(site, anonymousId="a-1")
    refuse(site, userId="bob", context={"traits": {"email": "ADA@example.com"}})
    refuse(site, userId="bob", properties={**TEA, "call": "020 7946 0018"})
    refuse(site, userId="bob")
    refused = told(officer)["refused"]
    assert len(refused) == 4
    first, *_ = refused
    assert (first["reason"], first["detail"]) == (
        "unknown-currency",
        "Its currency is none of ISO 4217.",
    )
    assert (first["shop"], first["source"], first["door"]) == ("shop", "site", "http")
    assert first["received_at"] <= refused[-1]["received_at"]
    assert first["correlation"] == ask(officer, f"/refused/{first['id']}")["correlation"]
    assert '"userId":"ada"' in first["message"].replace(" ", "")
    assert told(officer)["refused"] == refused


def test_of_a_batch_that_was_refused_they_read_no_more_than_is_theirs(
    officer: TestClient, site: TestClient
) -> None:
    many = [{"userId": "ada"}, *({"userId": "bob"} for _ in range(BATCH_EVENTS))]
    assert site.post("/v1/batch", json={"batch": many}).status_code == 400
    torn = b'{"batch": [{"userId": "ada"}, {"userId": "bob"}, '
    headers = {"Content-Type": "application/json"}
    assert site.post("/v1/batch", content=torn, headers=headers).status_code == 400
    whole, broken = told(officer)["refused"]
    assert whole["reason"] == "too-many"
    assert "ada" in whole["message"]
    assert "bob" not in whole["message"]
    assert (broken["reason"], broken["message"]) == ("broken-json", None)
    assert "it came in one piece with what is others" in page(officer, "en")


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", ("Its currency is none of ISO 4217.", "shop/site · HTTP · event 0")),
        ("zh", ("货币未知", "提到您但未被接收的消息及原因")),
    ],
)
def test_the_page_says_why_it_was_refused_and_where_it_came_in(
    officer: TestClient, site: TestClient, lang: str, said: tuple[str, ...]
) -> None:
    refuse(site, userId="ada", properties={**TEA, "engraved": "<b>A&L</b>"})
    shown = page(officer, lang)
    for sentence in (*said, "&lt;b&gt;A&amp;L"):
        assert sentence in shown
    assert "<b>" not in shown


@pytest.fixture
def looked_at(
    officer: TestClient, with_roles: Callable[..., TestClient], services: Services, live: None
) -> str:
    """Let some look at Ada, one of them for a reason; return who she is."""
    assert live is None
    ada: str = ask(officer, OF_ADA, position=services.reader.last())["customer"]
    agent, analyst = with_roles(Role.AGENT, name="alan"), with_roles(Role.ANALYST)
    because = {"reason": "She asks for a call"}
    assert agent.post(f"/api{OF_ADA}/reveal", json=because).status_code == 200
    ask(analyst, OF_ADA)
    ask(officer, "/customers")
    assert officer.get("/api/customers/export", params={"format": "ndjson"}).status_code == 200
    ask(officer, "/customers/user:bob")
    return ada


def test_who_read_their_data_is_told_with_when_why_and_by_which_request(
    officer: TestClient, looked_at: str
) -> None:
    own, export, listed, reveal, one = told(officer)["reads"]
    assert own["operation"] == "GET /api/customers/{id}/dossier"
    assert (export["operation"], export["count"]) == ("GET /api/customers/export", 2)
    assert (listed["operation"], listed["count"]) == ("GET /api/customers", None)
    assert (reveal["by"]["name"], reveal["reason"]) == ("alan", "She asks for a call")
    assert one["basis"] == "role privacy-officer"
    kept = ask(officer, "/audit/access", customer=looked_at)["reads"]
    assert reveal["request"] in {it["request"] for it in kept}
    assert "customers" not in listed


def test_a_read_of_refused_events_is_told_to_whom_they_name(
    officer: TestClient, site: TestClient
) -> None:
    refuse(site, userId="bob")
    ask(officer, "/refused")
    operation = "GET /api/refused"
    assert operation not in {it["operation"] for it in told(officer)["reads"]}
    refuse(site, userId="ada")
    ask(officer, "/refused")
    (read,) = (it for it in told(officer)["reads"] if it["operation"] == operation)
    assert read["count"] == 2


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", ("Was shown who you are, for a reason", "privacy officer", "alan · request")),
        ("zh", ("说明原因后查看您的身份", "隐私专员", "alan · 请求")),
    ],
)
def test_the_page_says_who_read_their_data(
    officer: TestClient, looked_at: str, lang: str, said: tuple[str, ...]
) -> None:
    shown = page(officer, lang)
    for sentence in (*said, "She asks for a call", looked_at):
        assert sentence in shown


def test_that_somebody_is_to_be_forgotten_is_told(officer: TestClient) -> None:
    assert told(officer)["erasures"] == []
    erasure = officer.post(f"/api{OF_ADA}/erasure").json()["erasure"]
    (asked,) = told(officer)["erasures"]
    assert (asked["erasure"], asked["state"], asked["asked_by"]) == (erasure, "waiting", "officer")
    assert (asked["certificate"], told(officer)["forgotten_at"]) == (None, None)
    assert "Asked for; not done yet" in page(officer, "en")
    assert "已申请，尚未执行" in page(officer, "zh")


@pytest.fixture
def forgotten(  # noqa: PLR0913, PLR0917  # the whole way
    officer: TestClient,
    site: TestClient,
    services: Services,
    settings: Settings,
    live: None,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, Any]:
    """Forget Ada; return the certificate."""
    assert live is None
    refuse(site, userId="ada")
    monkeypatch.setattr(carrying_out, "FORGOTTEN_WITHIN_SECONDS", 0.5)
    services.settings = settings.model_copy(update={"erasure_days": 0})
    erasure = officer.post(f"/api{OF_ADA}/erasure").json()["erasure"]

    def certified() -> bool:
        carry_out_due(settings)
        return bool(ask(officer, f"/erasures/{erasure}")["state"] == "certified")

    eventually(certified, "a certificate")
    certificate: dict[str, Any] = ask(officer, f"/erasures/{erasure}/certificate")
    return certificate


def test_the_forgotten_are_told_so_with_the_certificate(
    officer: TestClient, forgotten: dict[str, Any]
) -> None:
    dossier = told(officer)
    certified = forgotten["certified"]
    (erasure,) = dossier["erasures"]
    assert dossier["erased"]
    assert dossier["forgotten_at"] == erasure["erased_at"] == certified["erased_at"]
    assert (erasure["state"], erasure["certificate"]) == ("certified", forgotten)
    assert (erasure["refused"], dossier["refused"]) == (1, [])
    assert "ada@example.com" not in str(dossier)
    assert dossier["profile"]["name"] is None


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", ("You were forgotten on", "Done, and certified")),
        ("zh", ("您已于", "已执行并出具证明")),
    ],
)
def test_the_page_of_the_forgotten_says_so_first(
    officer: TestClient, forgotten: dict[str, Any], lang: str, said: tuple[str, ...]
) -> None:
    shown = page(officer, lang)
    for sentence in (*said, forgotten["signature"], 'href="#erasures"'):
        assert sentence in shown
    assert shown.index(said[0]) < shown.index("<nav")
