"""A message is recorded once, whoever brings it, however often, before and after a restart."""

import threading
from collections.abc import Callable
from pathlib import Path

from starlette.testclient import TestClient

from api.app import create_app
from api.services import Services
from infra.settings import Settings
from tests.keys import make_key

MESSAGES = [
    {"type": "track", "userId": "42", "event": "Product Viewed", "messageId": f"m{number}"}
    for number in range(200)
]


def tracked(services: Services) -> int:
    return [fact.type for fact in services.reader.read(0, 10_000)].count("activity.tracked")


def site(services: Services, secret: str) -> TestClient:
    client = TestClient(create_app(services))
    client.headers["Authorization"] = f"Bearer {secret}"
    return client


def publish(client: TestClient) -> list[dict[str, object]]:
    answer = client.post("/v1/batch", json={"batch": MESSAGES})
    results: list[dict[str, object]] = answer.json()["results"]
    return results


def test_two_writers_at_once_record_it_once(
    database_url: str, tmp_path: Path, services: Services
) -> None:
    _, secret = make_key(services.settings.log_url, "site", "ingest")
    answers: list[list[dict[str, object]]] = []
    with Services(Settings(log_url=database_url, home=tmp_path)) as other:
        writers = [site(who, secret) for who in (services, other) * 2]
        threads = [
            threading.Thread(target=lambda client=client: answers.append(publish(client)))
            for client in writers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(answers) == 4
    assert all(result["status"] == "accepted" for results in answers for result in results)
    news = [result for results in answers for result in results if not result.get("duplicate")]
    assert len(news) == len(MESSAGES) == tracked(services)


def test_after_a_restart_it_is_still_known(
    database_url: str, tmp_path: Path, services: Services, with_scopes: Callable[..., TestClient]
) -> None:
    with_scopes("ingest").post("/v1/batch", json={"batch": MESSAGES})
    _, secret = make_key(services.settings.log_url, "site", "ingest")
    services.close()
    with Services(Settings(log_url=database_url, home=tmp_path)) as restarted:
        assert all(result["duplicate"] for result in publish(site(restarted, secret)))
        assert tracked(restarted) == len(MESSAGES)


def test_a_coupon_told_by_the_shop_and_by_a_command_is_redeemed_once(
    services: Services, with_scopes: Callable[..., TestClient]
) -> None:
    redeemed = {"coupon_id": "TEA5", "order_id": "1001", "discount": 5}
    told = {"userId": "42", "event": "Coupon Redeemed", "properties": redeemed}
    shop, desk = with_scopes("ingest"), with_scopes("command")
    for message in ("site-1", "erp-1"):
        answer = shop.post("/v1/track", json={**told, "messageId": message})
        assert answer.json()["success"]
    body = {
        "customer": str(services.ids.user("shop", "42")),
        "order": str(services.ids.order("shop", "1001")),
        "amount": "5",
        "currency": "USD",
    }
    assert desk.post("/api/coupons/TEA5/redemptions", json=body).status_code == 202
    types = [fact.type for fact in services.reader.read(0, 100)]
    assert types.count("coupon.redeemed") == 1
    assert types.count("activity.tracked") == 2
