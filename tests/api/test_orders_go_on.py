"""Money that goes back for an order of somebody forgotten lowers what the order brought in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from api.services import Services
from consumers.erasure.checking import verify
from infra.keys import Role
from infra.settings import Settings
from tests.api.shop import Shop, ask
from tests.api.told_later import (
    at_once,
    certify,
    differing,
    facts,
    forget,
    settings,
    site,
    tell,
)

__all__ = ["at_once", "settings", "site"]

both_settings = pytest.mark.parametrize("settings", ["refuse", "nobody"], indirect=True)

ORDERED: dict[str, Any] = {
    "type": "track",
    "userId": "42",
    "event": "Order Completed",
    "properties": {"order_id": "A-1", "total": "20", "currency": "USD"},
}
BACK: dict[str, Any] = {
    **ORDERED,
    "event": "Order Refunded",
    "properties": {"order_id": "A-1", "amount": "5", "reason": "Ada is ill"},
    "context": {"ip": "203.0.113.9"},
}


def told(event: dict[str, Any], message_id: str, **others: Any) -> dict[str, Any]:
    return {**event, "messageId": message_id, **others}


@both_settings
def test_a_refund_is_taken_once_without_why(site: TestClient, services: Services) -> None:
    assert tell(site, told(ORDERED, "o1")) == ["accepted"]
    ada = forget(services, "42")
    last = services.reader.last()
    assert tell(site, told(BACK, "o2"), told(BACK, "o2")) == ["accepted", "duplicate"]
    activity, refunded = facts(services, last)
    assert (activity.type, activity.origin) == ("activity.tracked", None)
    assert (refunded.type, refunded.origin) == ("order.refunded", ada)
    assert "ill" not in repr((activity, refunded))
    with services.writer.connection() as connection:
        kept = connection.execute("select from log.original where position > %s", (last,))
        assert kept.rowcount == 0


@both_settings
def test_what_the_living_tell_of_it_is_theirs_and_none_of_the_orders(
    site: TestClient, services: Services
) -> None:
    assert tell(site, told(ORDERED, "o1")) == ["accepted"]
    ada, bob = forget(services, "42"), services.ids.user("shop", "43")
    last = services.reader.last()
    assert tell(site, told(BACK, "o2", userId="43")) == ["accepted"]
    assert [(fact.type, fact.origin) for fact in facts(services, last)] == [
        ("activity.tracked", bob),
        ("customer.registered", bob),
        ("order.refunded", ada),
    ]
    with services.writer.connection() as connection:
        kept = connection.execute("select origin from log.original where position > %s", (last,))
        assert kept.fetchall() == [(bob,)]


@both_settings
def test_by_the_api_too_and_there_why_is_refused(
    site: TestClient, services: Services, with_scopes: Callable[..., TestClient]
) -> None:
    assert tell(site, told(ORDERED, "o1")) == ["accepted"]
    ada = forget(services, "42")
    last = services.reader.last()
    desk = with_scopes("command")
    place = f"/api/orders/{services.ids.order('shop', 'A-1')}/refunds"
    answer = desk.post(place, json={"amount": "5", "reason": "Ada is ill"})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:huike:problem:forgotten")
    assert services.reader.last() == last
    assert desk.post(place, json={"amount": "5"}).status_code == 202
    assert [(fact.type, fact.origin) for fact in facts(services, last)] == [("order.refunded", ada)]


@pytest.mark.slow
@both_settings
def test_every_view_subtracts_it(  # noqa: PLR0913, PLR0917  # the whole service
    services: Services,
    at_once: Settings,
    site: TestClient,
    with_scopes: Callable[..., TestClient],
    with_roles: Callable[..., TestClient],
    tmp_path: Path,
) -> None:
    shop = Shop(with_scopes("command"))
    ada = UUID(shop.customer("42", person={"name": "Ada"}))
    campaign = shop.does("POST", "/campaigns", code="spring", name="Spring", channel="email")["id"]
    shop.does("POST", f"/campaigns/{campaign}/launch", control_share="0", seed=7)
    anchor = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    shop.does("POST", f"/campaigns/{campaign}/recipients", users=["42"], anchor=anchor)
    assert tell(site, told(ORDERED, "o1")) == ["accepted"]
    desk, analyst = with_roles(Role.PRIVACY_OFFICER), with_scopes("query")

    def brought_in(**moment: Any) -> dict[str, Any]:
        customer = ask(analyst, f"/customers/{ada}", **moment)
        (of_campaign,) = ask(analyst, f"/customers/{ada}/campaigns", **moment)["campaigns"]
        stages = ask(analyst, f"/customers/{ada}/lifecycle", **moment)
        return {
            "paid": customer["paid"],
            "refunded": customer["refunded"],
            "net": customer["net"],
            "of_campaign": of_campaign["net"],
            "purchases": customer["purchases"],
            "stage": stages["stage"],
        }

    erasure = certify(desk, ada, at_once)
    last = services.reader.last()
    before = brought_in(position=last)
    assert (before["net"], before["of_campaign"], before["purchases"]) == ("20", "20", 1)

    later = [told(BACK, "o2"), told(BACK, "o3", userId="43")]
    later[1]["properties"] = {**BACK["properties"], "refund_id": "second"}
    assert tell(site, *later) == ["accepted"] * 2
    head = services.reader.last()
    after = brought_in(position=head)
    assert after == {**before, "refunded": "10", "net": "10", "of_campaign": "10"}
    assert brought_in(known_at=head) == after
    assert brought_in(known_at=last) == before
    listed = ask(analyst, "/campaigns", position=head)["campaigns"]
    assert [(it["recipients"], it["net"]) for it in listed] == [(1, "10")]
    assert differing(services, at_once) == {}
    certificate = tmp_path / "certificate.json"
    certificate.write_bytes(desk.get(f"/api/erasures/{erasure}/certificate").content)
    assert verify(at_once, certificate) == 0
