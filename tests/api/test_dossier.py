"""A privacy officer shows somebody all that is known of them, and where it came from."""

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from api.services import Services
from domain.customer.events import KnownByAnotherId
from domain.shared.events import FACTS
from projections.dossier.lines import SECTIONS
from projections.dossier.words import WORDINGS
from tests.api.shop import Shop, ask

SCRIPT = "<script>alert('x')</script>"


@pytest.fixture
def desk(with_scopes: Callable[..., TestClient]) -> TestClient:
    return with_scopes("command", "query", "personal")


@pytest.fixture
def officer(with_roles: Callable[..., TestClient]) -> TestClient:
    return with_roles("privacy-officer", name="grace")


@pytest.fixture
def ada(desk: TestClient, with_scopes: Callable[..., TestClient], services: Services) -> str:
    """Ada looked at a page, became known, ordered, wrote, and was written about."""
    site = with_scopes("ingest")
    visit = {"anonymousId": "a-1", "name": "Home", "properties": {"secret": "a cup"}}
    assert site.post("/v1/page", json=visit).json()["success"]
    known = {
        "userId": "ada",
        "anonymousId": "a-1",
        "traits": {"name": "Ada", "email": "old@example.com", "plan": "gold"},
    }
    assert site.post("/v1/identify", json=known).json()["success"]
    shop = Shop(desk)
    customer = str(services.ids.user("shop", "ada"))
    shop.does("PUT", "/customers/user:ada/traits", person={"email": "ada@example.com"})
    consent = "/customers/user:ada/consents/email/newsletter"
    shop.does("PUT", consent, source="checkout", wording="v3")
    shop.does("PUT", f"{consent}/withdrawal", source="letter", wording="v3")
    shop.order("1001", customer, "42.50")
    shop.does(
        "POST",
        "/tickets",
        number="7",
        kind="complaint",
        channel="phone",
        about=SCRIPT,
        customer=customer,
    )
    shop.does("POST", "/customers/user:ada/notes", text="likes green tea")
    shop.does("POST", "/customers", user="bob", person={"email": "bob@example.com"})
    return "user:ada"


def told(officer: TestClient, who: str, **wanted: Any) -> dict[str, Any]:
    answer: dict[str, Any] = ask(officer, f"/customers/{who}/dossier", **wanted)
    return answer


def test_it_says_who_they_are_and_by_which_ids(officer: TestClient, ada: str) -> None:
    dossier = told(officer, ada)
    kinds = {identity["kind"]: identity for identity in dossier["identities"]}
    assert kinds["user"]["id"] == "ada"
    assert kinds["user"]["because"] is None
    assert kinds["anonymous"]["because"]["source"] == "site"
    assert sum(i["facts"] for i in dossier["identities"]) == sum(
        map(len, dossier["facts"].values())
    )


def test_each_trait_says_where_it_came_from(officer: TestClient, ada: str) -> None:
    traits = {trait["field"]: trait for trait in told(officer, ada)["traits"]}
    assert traits["email"]["value"] == "ada@example.com"
    assert traits["name"]["value"] == "Ada"
    assert traits["plan"]["value"] == "gold"
    assert traits["email"]["origin"]["position"] > traits["name"]["origin"]["position"]
    assert traits["email"]["origin"]["by"]["name"] == "a test"


def test_it_tells_the_whole_story_by_sections(officer: TestClient, ada: str) -> None:
    facts = told(officer, ada)["facts"]
    types = {section: [line["type"] for line in lines] for section, lines in facts.items()}
    assert types["consents"] == ["customer.consent-granted", "customer.consent-withdrawn"]
    assert types["orders"] == ["order.placed", "order.paid"]
    assert types["tickets"] == ["ticket.opened"]
    assert types["notes"] == ["customer.note-added"]
    assert types["activity"] == ["activity.page-viewed", "activity.identified"]
    assert facts["activity"][0]["data"]["private"]["properties"] == {"secret": "a cup"}
    assert facts["consents"][0]["data"]["wording"] == "v3"
    assert facts["notes"][0]["data"]["text"] == "likes green tea"


def test_it_says_how_they_are_classed_and_why(officer: TestClient, ada: str) -> None:
    dossier = told(officer, ada)
    assert dossier["stage"]["place"] == "new"
    assert dossier["stage"]["because"]["type"] == "order.paid"
    standing = dossier["stage"]["place"], dossier["tier"]["place"]
    assert (dossier["profile"]["stage"], dossier["profile"]["tier"]) == standing
    assert dossier["orders"][0]["paid"] == "42.50"


def test_what_a_shared_device_did_is_told_to_whom_it_was(
    officer: TestClient, ada: str, with_scopes: Callable[..., TestClient]
) -> None:
    site = with_scopes("ingest")
    for message in (
        {"type": "identify", "userId": "eve", "anonymousId": "a-1"},
        {"type": "page", "anonymousId": "a-1", "name": "Later"},
    ):
        assert site.post("/v1/batch", json={"batch": [message]}).json()["success"]
    assert "Later" not in str(told(officer, ada))
    assert "Home" in str(told(officer, ada))
    assert "Later" in str(told(officer, "user:eve"))
    assert "Home" not in str(told(officer, "user:eve"))


def test_nobody_elses_data_is_in_it(officer: TestClient, ada: str) -> None:
    assert "bob@" not in str(told(officer, ada, originals=True))


def test_originals_are_given_if_asked(officer: TestClient, ada: str) -> None:
    assert "originals" not in told(officer, ada)
    first, second = told(officer, ada, originals=True)["originals"]
    assert first["message"]["batch"][0]["anonymousId"] == "a-1"
    assert second["message"]["batch"][0]["traits"]["email"] == "old@example.com"


class _Outside(HTMLParser):
    """Remembers what a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        outside = any(n in {"src", "href"} and not str(to).startswith("#") for n, to in attrs)
        if tag in {"script", "link", "img", "iframe"} or outside:
            self.loads.append(tag)


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "All that is known of you"), ("zh", "我们所知道的关于您的一切")]
)
def test_the_page_is_read_without_anything_from_elsewhere(
    officer: TestClient, ada: str, lang: str, said: str
) -> None:
    answer = officer.get(
        f"/api/customers/{ada}/dossier", params={"lang": lang, "format": "html", "originals": True}
    )
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = answer.text
    assert f'<html lang="{lang}">' in page
    assert said in page
    assert "ada@example.com" in page
    assert SCRIPT not in page
    outside = _Outside()
    outside.feed(page)
    assert outside.loads == []


def test_a_browser_is_given_the_page(officer: TestClient, ada: str) -> None:
    place = f"/api/customers/{ada}/dossier"
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    assert officer.get(place, headers=browser).text.startswith("<!doctype html>")
    assert officer.get(place, headers={"Accept": "*/*"}).json()["language"] == "en"


def test_that_it_was_read_is_written_down(officer: TestClient, ada: str) -> None:
    customer = told(officer, ada)["customer"]
    (read,) = ask(officer, "/audit/access")["reads"]
    assert read["operation"] == "GET /api/customers/{id}/dossier"
    assert read["customers"] == [customer]
    assert read["by"]["name"] == "grace"


def test_what_was_erased_is_said_to_be(officer: TestClient, ada: str, services: Services) -> None:
    before = told(officer, ada)
    identities = [services.ids.user("shop", "ada"), services.ids.anonymous("shop", "a-1")]
    services.sealer.forget(identities)
    after = told(officer, ada, originals=True)
    assert (before["erased"], after["erased"]) == (False, True)
    assert after["facts"]["notes"][0]["data"]["text"] == "erased"
    assert {t["field"]: t["value"] for t in after["traits"]}["person"] == "erased"
    assert after["orders"] == before["orders"]
    assert [o["message"] for o in after["originals"]] == [None, None]
    page = officer.get(f"/api/customers/{ada}/dossier", params={"format": "html", "lang": "zh"})
    assert "已删除" in page.text
    assert "ada@example.com" not in page.text


def test_who_is_not_known_has_none(officer: TestClient) -> None:
    answer = officer.get("/api/customers/user:nobody/dossier")
    assert answer.status_code == 404
    assert answer.json()["detail"].endswith("that is what user:... of the shop shop stands for.")
    assert "nobody" not in answer.text
    unknown = officer.get(f"/api/customers/{UUID(int=7)}/dossier")
    assert unknown.json()["detail"] == f"There is no customer {UUID(int=7)}."


@pytest.mark.parametrize("scopes", [("audit",), ("query", "personal"), ("admin", "command")])
def test_nobody_else_reads_it(
    scopes: tuple[str, ...], ada: str, with_scopes: Callable[..., TestClient]
) -> None:
    assert with_scopes(*scopes).get(f"/api/customers/{ada}/dossier").status_code == 403


def test_each_section_has_its_heading_in_each_language() -> None:
    for wording in WORDINGS.values():
        assert set(SECTIONS) < set(wording.sections)


def test_every_fact_that_may_be_somebodys_has_its_section() -> None:
    nobodys = {name for name in FACTS if name.startswith(("lifecycle.", "key."))}
    assert {kind for kinds in SECTIONS.values() for kind in kinds} == set(FACTS) - nobodys
    assert KnownByAnotherId.stored.name in SECTIONS["customer"]
