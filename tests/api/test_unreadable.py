"""A fact that this Huike cannot read: shown as it is stored, and named by all that need it."""

import json
from collections.abc import Callable
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from infra.postgres import connect
from infra.settings import Settings
from tests.api.shop import Shop
from tests.consumers.following import eventually


@pytest.fixture
def ada(with_scopes: Callable[..., TestClient], settings: Settings) -> UUID:
    """Make a customer whose third fact, a tag, was written by a newer Huike."""
    shop = Shop(with_scopes("command"))
    ada = shop.customer("ada")
    tagged = with_scopes("command").put(f"/api/customers/{ada}/tags/vip")
    position = tagged.headers["X-Position"]
    assert settings.log_url is not None
    with connect(settings.log_url) as owner:
        owner.execute("update log.fact set type_version = 7 where position = %s", (position,))
    return UUID(str(ada))


def test_an_export_shows_it_as_it_is_stored(
    with_scopes: Callable[..., TestClient],
    ada: UUID,
) -> None:
    for scopes in (("audit",), ("audit", "personal")):
        auditor = with_scopes(*scopes)
        lines = auditor.get("/api/audit/facts/export").text.splitlines()
        last = json.loads(lines[-1])
        assert (last["type"], last["customer"]) == ("customer.tag-added", str(ada))
        assert last["data"] == {
            "unreadable": "customer.tag-added v7 is a newer Huike's; this one knows v1",
            "type_version": 7,
            "stored": {"tag": "vip"},
        }
        page = auditor.get(f"/api/audit/customers/{ada}").json()
        assert page["facts"][-1] == last


def test_a_command_that_has_to_know_it_records_nothing_and_names_it(
    with_scopes: Callable[..., TestClient], ada: UUID
) -> None:
    refused = with_scopes("command").put(f"/api/customers/{ada}/tags/gold")
    assert refused.status_code == 500
    assert refused.headers["content-type"] == "application/problem+json"
    told = refused.json()
    assert told["type"] == "urn:huike:problem:unreadable-fact"
    assert (told["position"], told["version"]) == (3, 7)
    assert "Fact 3, customer.tag-added v7, cannot be read by this version" in told["detail"]
    exported = with_scopes("audit").get("/api/audit/facts/export").text.splitlines()
    assert len(exported) == 3


def test_a_question_about_a_past_that_holds_it_names_it(
    with_scopes: Callable[..., TestClient],
    ada: UUID,
    live: None,  # noqa: ARG001  # it follows
) -> None:
    client = with_scopes("query")
    asked = client.get(f"/api/customers/{ada}?known_at=3")
    assert (asked.status_code, asked.json()["position"]) == (500, 3)
    assert client.get(f"/api/customers/{ada}?known_at=2").status_code == 200


def test_metrics_count_the_slots_that_stopped(
    with_scopes: Callable[..., TestClient],
    ada: UUID,  # noqa: ARG001  # whose slot stops
    live: None,  # noqa: ARG001  # it follows
) -> None:
    client = with_scopes("metrics")
    wanted = 'huike_stopped_slots{kind="view",name="profile"} 1.0'
    eventually(lambda: wanted in client.get("/metrics").text, "the profile's slot stops")
