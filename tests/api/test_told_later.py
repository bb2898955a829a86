"""What shops tell later of somebody forgotten is refused, or kept as nobody's, as is set."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.services import Services
from consumers.erasure.checking import verify
from infra.keys import Role
from infra.settings import Settings
from tests.api.shop import ORDER
from tests.api.told_later import (
    at_once,
    certify,
    differing,
    facts,
    forget,
    settings,
    site,
    standing,
    tell,
)
from tests.privacy import marks, planting
from tests.privacy.marks import Person

__all__ = ["at_once", "settings", "site"]

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
def test_nothing_that_is_told_later_leads_to_who_was_forgotten(
    services: Services,
    at_once: Settings,
    site: TestClient,
    with_roles: Callable[..., TestClient],
) -> None:
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
    if at_once.forgotten == "refuse":
        assert told == []
    else:
        assert outcomes.count("accepted") >= 6
        assert {fact.origin for fact in told} == {None, services.ids.order("shop", "later")}

    assert marks.found_in(repr(told).encode()) == {}
    assert at_once.log_url is not None
    assert marks.found_in_tables(at_once.log_url) == {}
    assert services.sealer.forgotten(identities) == {*identities}
    assert services.reader.origins_of(whose, at=services.reader.last()) == identities
    of_theirs = services.reader.of_origins(identities, upto=services.reader.last())
    assert max(fact.position for fact in of_theirs) <= last
    with services.writer.connection() as connection:
        kept = connection.execute("select from log.original where position > %s", (last,))
        assert kept.rowcount == 0
    assert standing(desk, whose, services) == seen
    assert differing(services, at_once) == {}


@pytest.mark.slow
@pytest.mark.parametrize("settings", ["refuse", "nobody"], indirect=True)
def test_a_visitor_who_was_forgotten_turns_out_to_be_nobody(
    services: Services,
    at_once: Settings,
    site: TestClient,
    with_roles: Callable[..., TestClient],
    tmp_path: Path,
) -> None:
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
    assert verify(at_once, certificate) == 0
    assert differing(services, at_once) == {}
