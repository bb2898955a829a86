"""Stages, what-ifs, and questions about everybody at an old position, which are jobs."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from tests.api.shop import Shop, ask

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(live: None, with_scopes: Callable[..., TestClient]) -> Shop:  # noqa: ARG001  # it follows
    return Shop(with_scopes("command"))


@pytest.fixture
def analyst(with_scopes: Callable[..., TestClient]) -> TestClient:
    return with_scopes("query")


def answered(client: TestClient, place: str, **wanted: Any) -> Any:
    """Ask what is answered by a job, and wait for the job."""
    asked = client.get(f"/api{place}", params=wanted)
    assert asked.status_code == 202, asked.text
    return outcome(client, asked.json()["ask"])


def outcome(client: TestClient, place: str) -> Any:
    deadline = time.monotonic() + 30
    while (job := client.get(place).json())["state"] not in {"done", "failed"}:
        assert time.monotonic() < deadline, job
        time.sleep(0.05)
    assert job["state"] == "done", job
    return job["answer"]


def stages(answer: dict[str, Any]) -> dict[str, int]:
    return {stage: n for stage, n in answer["stages"].items() if n}


def test_customers_are_counted_by_stage_and_tier(shop: Shop, analyst: TestClient) -> None:
    shop.customer("ada")
    shop.order("1", shop.customer("bob"), "500.00")
    now = ask(analyst, "/lifecycle", position=shop.position)
    assert stages(now) == {"prospect": 1, "new": 1}
    assert now["tiers"]["general"] == 1
    later = (datetime.now(UTC) + timedelta(days=100)).isoformat()
    assert stages(ask(analyst, "/lifecycle", at=later)) == {"idle prospect": 1, "silent": 1}
    before = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assert ask(analyst, "/lifecycle", at=before)["customers"] == 0


def test_moves_say_when_and_because_of_which_fact(shop: Shop, analyst: TestClient) -> None:
    bob = shop.customer("bob")
    shop.order("1", bob, "500.00")
    moves = ask(analyst, "/lifecycle/moves", position=shop.position, became="new")["moves"]
    assert [(m["customer"], m["was"], m["cause"]) for m in moves] == [
        (bob, "prospect", shop.position)
    ]
    assert ask(analyst, "/lifecycle/moves", became="lost")["moves"] == []
    first = ask(analyst, "/lifecycle/moves", limit=1)
    rest = ask(analyst, "/lifecycle/moves", cursor=first["cursor"])
    every = ask(analyst, "/lifecycle/moves")
    assert first["moves"] + rest["moves"] == every["moves"]


def test_a_what_if_adopts_nothing(shop: Shop, analyst: TestClient) -> None:
    shop.order("1", shop.customer("bob"), "500.00")
    later = (datetime.now(UTC) + timedelta(days=45)).isoformat()
    wanted = {"position": shop.position, "at": later}
    assert stages(ask(analyst, "/lifecycle/what-if", **wanted, new_days=60)) == {"new": 1}
    assert stages(ask(analyst, "/lifecycle", **wanted)) == {"active": 1}


def test_where_a_customer_stands(shop: Shop, analyst: TestClient) -> None:
    bob = shop.customer("bob")
    before = shop.position
    shop.order("1", bob, "500.00")
    now = ask(analyst, f"/customers/{bob}/lifecycle", position=shop.position)
    assert (now["stage"]["place"], now["stage"]["cause"]) == ("new", shop.position)
    assert now["next"]["stage"] == "active"
    then = ask(analyst, f"/customers/{bob}/lifecycle", known_at=before)
    assert then["stage"]["place"] == "prospect"
    nobody = analyst.get("/api/customers/user:nobody/lifecycle")
    assert nobody.status_code == 404


def test_stages_as_known_at_a_position_are_a_job(shop: Shop, analyst: TestClient) -> None:
    bob = shop.customer("bob")
    before = shop.position
    shop.order("1", bob, "500.00")
    assert stages(answered(analyst, "/lifecycle", known_at=before)) == {"prospect": 1}
    known_now = answered(analyst, "/lifecycle", known_at=datetime.now(UTC).isoformat())
    assert stages(known_now) == {"new": 1}


def test_customers_as_known_at_a_position_are_a_job(shop: Shop, analyst: TestClient) -> None:
    ada = shop.customer("ada", person={"name": "Ada Lovelace"})
    shop.does("PUT", f"/customers/{ada}/tags/vip")
    before = shop.position
    bob = shop.customer("bob")
    shop.does("PUT", f"/customers/{bob}/tags/vip")
    shop.order("1", bob, "500.00")
    then = answered(analyst, "/customers", known_at=before, tag="vip")
    assert [c["customer"] for c in then["customers"]] == [ada]
    assert "Lovelace" not in str(then)
    new = answered(analyst, "/customers", known_at=shop.position, tag="vip", stage="new")
    assert [c["customer"] for c in new["customers"]] == [bob]
    both = answered(analyst, "/customers", known_at=shop.position, sort="-net", limit=1)
    assert both["count"] == 2
    assert [c["customer"] for c in both["customers"]] == [bob]


def test_conversion_as_known_at_a_position_is_a_job(shop: Shop, analyst: TestClient) -> None:
    users = [f"u{n}" for n in range(10)]
    campaign = shop.does("POST", "/campaigns", code="spring", name="Spring", channel="sms")["id"]
    shop.does("POST", f"/campaigns/{campaign}/launch", control_share="0.5", seed=7)
    anchor = (datetime.now(UTC) - timedelta(days=8)).isoformat()
    shop.does("POST", f"/campaigns/{campaign}/recipients", users=users[:4], anchor=anchor)
    before = shop.position
    shop.does("POST", f"/campaigns/{campaign}/recipients", users=users, anchor=anchor)

    def recipients(position: int) -> int:
        then = answered(analyst, f"/campaigns/{campaign}/conversion", known_at=position)
        return sum(arm["recipients"] for arm in then["arms"])

    assert recipients(before) == 4
    assert recipients(shop.position) == 10
    live = ask(analyst, f"/campaigns/{campaign}/conversion", position=shop.position)
    replayed = answered(
        analyst, f"/campaigns/{campaign}/conversion", known_at=shop.position, at=live["at"]
    )
    assert replayed == live


def test_a_campaign_that_nobody_knew_then_is_not_found_and_no_job(
    shop: Shop, analyst: TestClient
) -> None:
    ada = shop.customer("ada")
    before = shop.position
    campaign = shop.does("POST", "/campaigns", code="spring", name="Spring", channel="email")["id"]
    for who, known_at in ((ada, shop.position), (uuid4(), shop.position), (campaign, before)):
        asked = analyst.get(f"/api/campaigns/{who}/conversion", params={"known_at": known_at})
        assert asked.status_code == 404, asked.text
        assert asked.json()["detail"] == f"There is no campaign {who}."
    assert answered(analyst, f"/campaigns/{campaign}/conversion", known_at=shop.position)


@pytest.mark.parametrize("view", ["profile", "timeline", "lifecycle", "conversion"])
def test_a_view_is_verified_by_a_job(
    shop: Shop, with_scopes: Callable[..., TestClient], view: str
) -> None:
    auditor = with_scopes("query", "audit")
    shop.order("1", shop.customer("bob", person={"name": "Bob"}), "500.00")
    ask(auditor, "/customers", position=shop.position)
    asked = auditor.post(f"/api/audit/verify/{view}")
    report = outcome(auditor, asked.json()["ask"])
    assert report["view"] == view
    assert report["different"] == 0
