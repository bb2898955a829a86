"""Who may ask about customers is told what they allowed and took back, in order."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.api.shop import Shop, ask


@pytest.fixture
def desk(with_scopes: Callable[..., TestClient]) -> TestClient:
    return with_scopes("command", "query", "personal")


@pytest.fixture
def shop(desk: TestClient) -> Shop:
    shop = Shop(desk)
    shop.customer("ada")
    return shop


PLACE = "/customers/user:ada/consents"


def said(change: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(change[name] for name in ("channel", "purpose", "granted", "source", "wording"))


def test_each_change_is_told_with_its_wording_and_source(desk: TestClient, shop: Shop) -> None:
    place = f"{PLACE}/email/newsletter"
    shop.does("PUT", place, source="checkout", wording="v1")
    shop.does("PUT", f"{place}/withdrawal", source="letter", wording="v1")
    shop.does("PUT", place, source="call", wording="v2")
    shop.does("PUT", f"{PLACE}/sms/offers/withdrawal", source="call", wording="v2")
    told = ask(desk, PLACE)
    assert [said(change) for change in told["history"]] == [
        ("email", "newsletter", True, "checkout", "v1"),
        ("email", "newsletter", False, "letter", "v1"),
        ("email", "newsletter", True, "call", "v2"),
        ("sms", "offers", False, "call", "v2"),
    ]
    assert told["now"] == told["history"][2:]
    assert told["now"][0]["origin"]["by"]["name"] == "a test"


def test_a_key_that_was_made_a_moment_ago_is_told_by_its_name(
    desk: TestClient, shop: Shop, with_scopes: Callable[..., TestClient]
) -> None:
    shop.does("PUT", f"{PLACE}/email/newsletter", source="checkout", wording="v1")
    ask(desk, PLACE)
    later = Shop(with_scopes("command"))
    later.does("PUT", f"{PLACE}/sms/offers", source="call", wording="v2")
    told = ask(desk, PLACE)["history"]
    assert [change["origin"]["by"].get("name") for change in told] == ["a test", "a test"]


def test_who_sees_masks_is_not_told_where_it_was_said(
    shop: Shop, with_scopes: Callable[..., TestClient]
) -> None:
    shop.does("PUT", f"{PLACE}/email/newsletter", source="letter of Ada Lovelace", wording="v1")
    (change,) = ask(with_scopes("query"), PLACE)["now"]
    assert said(change) == ("email", "newsletter", True, "sealed", "v1")


def test_what_is_said_late_of_long_ago_does_not_hold(
    desk: TestClient, shop: Shop, with_scopes: Callable[..., TestClient]
) -> None:
    shop.does("PUT", f"{PLACE}/email/newsletter/withdrawal", source="letter", wording="v1")
    old = {
        "userId": "ada",
        "timestamp": "2020-01-01T00:00:00Z",
        "traits": {"consents": {"email": {"newsletter": True}}},
    }
    assert with_scopes("ingest").post("/v1/identify", json=old).json()["success"]
    told = ask(desk, PLACE)
    assert [change["granted"] for change in told["history"]] == [True, False]
    assert [change["granted"] for change in told["now"]] == [False]


def test_what_a_visitor_allowed_is_the_customers(
    desk: TestClient, with_scopes: Callable[..., TestClient]
) -> None:
    site = with_scopes("ingest")
    visitor = {"anonymousId": "a-1", "traits": {"consents": {"push": {"news": True}}}}
    assert site.post("/v1/identify", json=visitor).json()["success"]
    assert site.post("/v1/identify", json={"userId": "bob", "anonymousId": "a-1"}).json()["success"]
    (change,) = ask(desk, "/customers/user:bob/consents")["now"]
    assert said(change)[:3] == ("push", "news", True)


@pytest.mark.usefixtures("shop")
def test_who_never_said_anything_has_none(desk: TestClient) -> None:
    told = ask(desk, PLACE)
    assert (told["now"], told["history"]) == ([], [])
    assert desk.get("/api/customers/user:nobody/consents").status_code == 404
