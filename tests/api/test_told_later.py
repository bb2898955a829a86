"""What shops tell later of somebody forgotten is refused, or kept as nobody's, as is set."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from api.services import Services
from consumers.erasure import carrying_out
from consumers.erasure.checking import verify
from consumers.erasure.due import carry_out_due
from domain.shared.events import Fact
from infra.keys import Role
from infra.postgres import VIEWS, connect
from infra.settings import Settings
from projections import catalogue
from projections.runtime.verify import Verifier
from tests.api.shop import ORDER
from tests.consumers.following import eventually
from tests.privacy import marks, planting
from tests.privacy.marks import Person

GONE = Person(0)
VIEWED = {"type": "track", "userId": "42", "event": "Product Viewed"}
PROFILE: dict[str, Any] = {"type": "identify", "userId": "42", "traits": {"name": "Ada"}}
ORDERED: dict[str, Any] = {
    "type": "track",
    "userId": "42",
    "event": "Order Completed",
    "properties": {"order_id": "A-1", "total": "19.90", "address": "1 St James's Sq"},
}
REFUNDED = {**ORDERED, "event": "Order Refunded"}


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    return settings.model_copy(update={"forgotten": getattr(request, "param", "nobody")})


@pytest.fixture
def site(with_scopes: Callable[..., TestClient]) -> TestClient:
    return with_scopes("ingest")


def tell(site: TestClient, *events: dict[str, Any]) -> list[str]:
    """Publish events; return what became of each: its status, or why it was refused."""
    numbered = [{"messageId": f"m{n}", **event} for n, event in enumerate(events)]
    answer = site.post("/v1/batch", json={"batch": numbered}).json()
    return [
        "duplicate" if result.get("duplicate") else result.get("reason") or result["status"]
        for result in answer["results"]
    ]


def forget(services: Services, user: str) -> UUID:
    identity = services.ids.user("shop", user)
    services.sealer.forget([identity])
    return identity


def certify(desk: TestClient, whose: UUID, settings: Settings) -> str:
    """Have somebody forgotten as they are by request; return the erasure, once it is certified."""
    erasure: str = desk.post(f"/api/customers/{whose}/erasure").json()["erasure"]

    def certified() -> bool:
        carry_out_due(settings)
        told: bool = desk.get(f"/api/erasures/{erasure}").json()["certified"]
        return told

    eventually(certified, "a certificate")
    return erasure


def facts(services: Services, after: int = 0) -> list[Fact]:
    return list(services.reader.read(after, 10_000))


@pytest.mark.parametrize("settings", ["refuse"], indirect=True)
def test_it_is_refused(site: TestClient, services: Services) -> None:
    forget(services, "42")
    assert tell(site, VIEWED, PROFILE, ORDERED) == ["forgotten"] * 3
    assert facts(services) == []


def test_it_is_kept_as_nobodys(site: TestClient, services: Services) -> None:
    ada = forget(services, "42")
    others = {**VIEWED, "userId": "43"}
    assert tell(site, VIEWED, others, PROFILE, ORDERED) == [
        "accepted",
        "accepted",
        "forgotten",
        "accepted",
    ]
    told = [fact for fact in facts(services) if fact.origin != services.ids.user("shop", "43")]
    order = services.ids.order("shop", "A-1")
    assert [(fact.type, fact.origin) for fact in told] == [
        ("activity.tracked", None),
        ("activity.tracked", None),
        ("order.placed", order),
        ("order.paid", order),
    ]
    assert services.reader.of_origins([ada], upto=services.reader.last()) == []
    assert not services.sealer.has_key(ada)
    with services.writer.connection() as connection:
        kept = connection.execute("select origin from log.original").fetchall()
    assert kept == [(services.ids.user("shop", "43"),)]


def test_it_is_kept_once(site: TestClient, services: Services) -> None:
    forget(services, "42")
    assert tell(site, VIEWED, ORDERED) == ["accepted", "accepted"]
    last = services.reader.last()
    assert tell(site, VIEWED, ORDERED) == ["duplicate", "duplicate"]
    assert tell(site, {**VIEWED, "event": "Product Added"}) == ["other-content"]
    assert services.reader.last() == last


def test_a_guests_order_goes_on(site: TestClient, services: Services) -> None:
    forget(services, "42")
    assert tell(site, ORDERED, REFUNDED) == ["accepted", "accepted"]
    order = services.ids.order("shop", "A-1")
    told = [fact for fact in facts(services) if fact.stream == order]
    assert [(fact.type, fact.origin) for fact in told] == [
        ("order.placed", order),
        ("order.paid", order),
        ("order.refunded", order),
    ]


def test_by_the_api_no_order_no_ticket_and_no_coupon_is_begun_for_them(
    with_scopes: Callable[..., TestClient], services: Services
) -> None:
    desk = with_scopes("command")
    ada = desk.post("/api/customers", json={"user": "42"}).json()["id"]
    forget(services, "42")
    last = services.reader.last()
    matters = {
        "/api/orders": {**ORDER, "customer": ada},
        "/api/tickets": {"customer": ada, "kind": "complaint", "channel": "email", "about": "?"},
        "/api/coupons/X/redemptions": {"customer": ada},
    }
    for place, matter in matters.items():
        answer = desk.post(place, json=matter)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:huike:problem:forgotten")
    assert services.reader.last() == last


@pytest.mark.slow
@pytest.mark.parametrize("settings", ["refuse", "nobody"], indirect=True)
def test_nothing_that_is_told_later_leads_to_who_was_forgotten(  # noqa: PLR0913, PLR0917  # the whole service
    services: Services,
    settings: Settings,
    live: None,
    site: TestClient,
    with_roles: Callable[..., TestClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert live is None
    at_once = settings.model_copy(update={"erasure_days": 0, "erasure_order_days": 0})
    services.settings = at_once
    monkeypatch.setattr(carrying_out, "FORGOTTEN_WITHIN_SECONDS", 0.5)
    planting.publish(site, [GONE])
    whose = services.ids.user("shop", GONE.mark("user"))
    desk = with_roles(Role.PRIVACY_OFFICER)
    certify(desk, whose, at_once)
    last = services.reader.last()
    identities = services.reader.origins_of(whose, at=last)
    seen = standing(desk, whose, services)

    later = [
        {**event, "messageId": f"later-{n}"} for n, event in enumerate(planting.told_by_shop(GONE))
    ]
    for event in later:
        if "order_id" in event.get("properties", {}):
            event["properties"] = {**event["properties"], "order_id": "later"}
    outcomes = tell(site, *later)
    again = tell(site, *later)
    assert again == ["duplicate" if told == "accepted" else told for told in outcomes]
    told = facts(services, last)
    if settings.forgotten == "refuse":
        assert told == []
    else:
        assert outcomes.count("accepted") >= 6
        assert {fact.origin for fact in told} == {None, services.ids.order("shop", "later")}

    assert marks.found_in(repr(told).encode()) == {}
    assert settings.log_url is not None
    assert marks.found_in_tables(settings.log_url) == {}
    assert services.sealer.forgotten(identities) == {*identities}
    assert services.reader.origins_of(whose, at=services.reader.last()) == identities
    of_theirs = services.reader.of_origins(identities, upto=services.reader.last())
    assert max(fact.position for fact in of_theirs) <= last
    with services.writer.connection() as connection:
        kept = connection.execute("select from log.original where position > %s", (last,))
        assert kept.rowcount == 0
    assert standing(desk, whose, services) == seen
    assert differing(services, settings) == {}


@pytest.mark.slow
@pytest.mark.parametrize("settings", ["refuse", "nobody"], indirect=True)
def test_a_visitor_who_was_forgotten_turns_out_to_be_nobody(  # noqa: PLR0913, PLR0917  # the whole service
    services: Services,
    settings: Settings,
    live: None,
    site: TestClient,
    with_roles: Callable[..., TestClient],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    assert live is None
    at_once = settings.model_copy(update={"erasure_days": 0, "erasure_order_days": 0})
    services.settings = at_once
    monkeypatch.setattr(carrying_out, "FORGOTTEN_WITHIN_SECONDS", 0.5)
    visitor = services.ids.anonymous("shop", "v9")
    seen: dict[str, Any] = {"type": "page", "anonymousId": "v9", "name": "HIV test kits"}
    ordered = {**ORDERED, "messageId": "ordered", "anonymousId": "v9"}
    del ordered["userId"]
    assert tell(site, seen, ordered) == ["accepted"] * 2
    desk = with_roles(Role.PRIVACY_OFFICER)
    erasure = certify(desk, visitor, at_once)
    forgotten = standing(desk, visitor, services)
    last = services.reader.last()
    by_name: dict[str, Any] = {"type": "identify", "userId": "9", "traits": {"name": "Gus"}}
    again: dict[str, Any] = {"type": "alias", "userId": "10", "previousId": "v9"}
    for n, event in enumerate([{**by_name, "anonymousId": "v9"}, again]):
        assert tell(site, {**event, "messageId": f"later-{n}"}) == ["accepted"]

    gus, ten = (services.ids.user("shop", user) for user in ("9", "10"))
    told = facts(services, last)
    assert {(fact.origin, fact.subject) for fact in told} == {(gus, gus), (ten, ten)}
    assert services.reader.customer_of(visitor) == visitor
    assert standing(desk, visitor, services) == forgotten
    for whose in (gus, ten):
        assert "HIV" not in desk.get(f"/api/customers/{whose}/timeline").text
        assert services.reader.origins_of(whose, at=services.reader.last()) == [whose]
    assert standing(desk, gus, services)["name"]
    certificate = tmp_path / "certificate.json"
    certificate.write_bytes(desk.get(f"/api/erasures/{erasure}/certificate").content)
    assert verify(settings, certificate) == 0
    assert differing(services, settings) == {}


def standing(desk: TestClient, whose: UUID, services: Services) -> Any:
    """Return what is shown of somebody, once the views have come to the log's head."""
    reached = {"position": services.reader.last()}
    return desk.get(f"/api/customers/{whose}", params=reached).json()


def differing(services: Services, settings: Settings) -> dict[str, int]:
    """Replay every view; return in how many rows it differs from what is served."""
    assert settings.log_url is not None
    found = {}
    with closing(connect(settings.log_url, VIEWS)) as connection:
        for view in catalogue.VIEWS.values():
            verifier = Verifier(connection, view, services.sealer, services.reader, settings.slots)
            found[view.name] = verifier.verify().different
    return {view: different for view, different in found.items() if different}
