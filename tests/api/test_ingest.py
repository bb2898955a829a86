"""Shops publish over HTTP: what is accepted is in the log, what is not is answered and kept."""

import asyncio
import base64
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from api import ingest
from api.ingest import Ingest
from api.services import Services
from domain.shared.events import Fact
from tests.keys import make_key, revoke_key

VIEWED = {"type": "track", "userId": "42", "event": "Product Viewed"}


@pytest.fixture
def site(with_scopes: Callable[..., TestClient]) -> TestClient:
    return with_scopes("ingest")


def facts(services: Services) -> list[Fact]:
    return list(services.reader.read(0, 10_000))


def types(services: Services) -> list[str]:
    return [fact.type for fact in facts(services)]


def order(event: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "userId": "42",
        "event": event,
        "messageId": event,
        "properties": {"order_id": "1001", **properties},
    }


def batch(*messages: object, **about: Any) -> dict[str, Any]:
    return {"batch": list(messages), **about}


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        ("identify", {"userId": "42"}, "activity.identified"),
        ("track", {"userId": "42", "event": "Product Viewed"}, "activity.tracked"),
        ("page", {"anonymousId": "a1", "name": "Home"}, "activity.page-viewed"),
        ("screen", {"anonymousId": "a1", "name": "Home"}, "activity.screen-viewed"),
        ("group", {"userId": "42", "groupId": "g1"}, "activity.grouped"),
        ("alias", {"previousId": "a1", "userId": "42"}, "activity.aliased"),
    ],
)
def test_each_kind_of_message_has_its_door(
    site: TestClient, services: Services, kind: str, message: dict[str, Any], expected: str
) -> None:
    answer = site.post(f"/v1/{kind}", json={"messageId": "m1", **message})
    assert answer.status_code == 200
    (result,) = answer.json()["results"]
    assert result["messageId"] == "m1"
    assert result["status"] == "accepted"
    assert result["position"] == len(facts(services))
    assert answer.headers["X-Position"] == str(result["position"])
    assert expected in types(services)
    again = site.post(f"/v1/{kind[0]}", json={"messageId": "m1", **message})
    assert again.json()["results"][0]["duplicate"]


def test_a_batch_is_answered_event_by_event(site: TestClient, services: Services) -> None:
    answer = site.post(
        "/v1/batch",
        json=batch(
            {**VIEWED, "messageId": "m1"},
            {"type": "track", "event": "Product Viewed", "messageId": "m2"},
            {**VIEWED, "messageId": "m3", "event": "Order Completed"},
            "nonsense",
            {"type": "page", "anonymousId": "a1"},
        ),
    )
    assert answer.status_code == 200
    assert not answer.json()["success"]
    results = answer.json()["results"]
    assert [result["status"] for result in results] == [
        "accepted",
        "rejected",
        "rejected",
        "rejected",
        "accepted",
    ]
    assert [result.get("reason") for result in results] == [
        None,
        "missing-id",
        "missing",
        "wrong-type",
        None,
    ]
    assert [result.get("messageId") for result in results[:4]] == ["m1", "m2", "m3", None]
    assert all(result["detail"] for result in results[1:4])
    assert types(services) == ["activity.tracked", "customer.registered", "activity.page-viewed"]


def test_an_accepted_event_says_who_brought_it_and_in_which_request(
    site: TestClient, services: Services
) -> None:
    site.post("/v1/track", json=VIEWED, headers={"X-Request-ID": "7" * 32})
    (key,) = services.keys.all()
    for fact in facts(services):
        assert (fact.actor_kind, fact.actor_id) == ("key", str(key.id))
        assert (fact.shop, fact.source) == (key.shop, key.source)
        assert fact.correlation == "7" * 32
        assert fact.origin == services.ids.user(key.shop, "42")


@pytest.mark.parametrize("way", ["basic", "bearer", "body", "batch body"])
def test_a_key_is_shown_in_any_of_three_ways(
    stranger: TestClient, services: Services, way: str
) -> None:
    _, secret = make_key(services.settings.log_url, "site", "ingest")
    basic = base64.b64encode(f"{secret}:".encode()).decode()
    headers = {"basic": f"Basic {basic}", "bearer": f"Bearer {secret}"}.get(way)
    message = VIEWED if headers else {**VIEWED, "writeKey": secret}
    answer = stranger.post(
        "/v1/batch" if way == "batch body" else "/v1/track",
        json=batch(VIEWED, writeKey=secret) if way == "batch body" else message,
        headers={"Authorization": headers} if headers else {},
    )
    assert answer.status_code == 200
    assert answer.json()["success"]


def test_nobody_publishes_without_a_living_key_for_it(
    stranger: TestClient, services: Services, with_scopes: Callable[..., TestClient]
) -> None:
    key, secret = make_key(services.settings.log_url, "site", "ingest")
    revoke_key(services.settings.log_url, str(key.id))
    assert stranger.post("/v1/track", json=VIEWED).status_code == 401
    for wrong in ("", "hk_wrong", secret):
        shown = {"Authorization": f"Bearer {wrong}"}
        assert stranger.post("/v1/track", json=VIEWED, headers=shown).status_code == 401
    assert stranger.post("/v1/track", json={**VIEWED, "writeKey": secret}).status_code == 401
    assert with_scopes("query").post("/v1/track", json=VIEWED).status_code == 403
    assert facts(services) == []


def test_a_revoked_key_is_refused_within_a_second(site: TestClient, services: Services) -> None:
    assert site.post("/v1/track", json=VIEWED).status_code == 200
    revoke_key(services.settings.log_url, "a test")
    assert site.post("/v1/track", json=VIEWED).status_code == 401


@pytest.mark.parametrize("kind", ["track", "batch"])
@pytest.mark.parametrize("body", [b"", b"{", b'{"userId":', b"\xff\xfe"])
def test_broken_json_is_a_bad_request(
    site: TestClient, stranger: TestClient, services: Services, kind: str, body: bytes
) -> None:
    answer = site.post(f"/v1/{kind}", content=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "broken-json"
    assert answer.json()["message"]
    (kept,) = services.refused.page(after=None, reason="broken-json", limit=10)
    assert services.refused.open([kept])[kept.id].message == body
    assert stranger.post(f"/v1/{kind}", content=body).status_code == 400


def test_one_broken_event_costs_its_neighbours_nothing(
    site: TestClient, services: Services
) -> None:
    body = (
        b'{"batch":[{"type":"page","anonymousId":"a1"},'
        b'{"type":"track","userId":"42","event":"x","properties":{"total":NaN}},'
        b'{"type":"track","userId":"\\ud800","event":"x"},'
        b'{"type":"track","userId":"42","event":"x","properties":{"a":' + b"[" * 200 + b"]" * 200
    ) + b"}},"
    body += b'{"type":"track","userId":"42","event":"x","a":' + b"[" * 9_000 + b"]" * 9_000 + b"},"
    body += b'{"type":"track","userId":"\\ud800","event":"x","n":' + b"9" * 5_000 + b"},"
    body += b'{"type":"track","userId":"42","event":"x","properties":{"n":'
    body += b"9" * 5_000 + b"}}]}"
    results = site.post("/v1/batch", content=body).json()["results"]
    assert [result.get("reason") for result in results] == [
        None,
        "not-a-number",
        "bad-text",
        "too-deep",
        "too-deep",
        "huge-number",
        "huge-number",
    ]
    assert types(services) == ["activity.page-viewed"]


@pytest.mark.parametrize("kind", ["track", "batch"])
def test_deep_nesting_is_answered_and_breaks_nothing(site: TestClient, kind: str) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    answer = site.post(f"/v1/{kind}", content=b'{"batch":' + deep + b"}")
    if kind == "batch":  # of one event
        assert answer.json()["results"][0]["reason"] == "too-large"
    else:
        assert answer.status_code == 400
        assert answer.json()["code"] in {"too-deep", "too-large"}


def test_a_batch_that_only_its_key_lets_in_may_hold_a_broken_event(
    site: TestClient, stranger: TestClient
) -> None:
    secret = site.headers["Authorization"].removeprefix("Bearer ")
    deep = b"[" * 9_000 + b"]" * 9_000
    body = b'{"batch":[{"type":"page","userId":"1"},%b],"writeKey":"%b"}' % (deep, secret.encode())
    results = stranger.post("/v1/batch", content=body).json()["results"]
    assert [result["status"] for result in results] == ["accepted", "rejected"]


def test_a_batch_that_is_no_json_is_refused_whole_and_says_why(site: TestClient) -> None:
    body = b'{"batch":[{"type":"page","userId":"1"},{"type":}]}'
    answer = site.post("/v1/batch", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "broken-json")
    assert "where its events end cannot be told" in answer.json()["message"]


def test_an_event_may_have_32_kilobytes(site: TestClient, services: Services) -> None:
    long = {**VIEWED, "properties": {"note": "x" * 33_000}}
    answer = site.post("/v1/track", json=long)
    assert answer.status_code == 400
    assert answer.json()["code"] == "too-large"
    results = site.post("/v1/batch", json=batch(long, VIEWED)).json()["results"]
    assert [result["status"] for result in results] == ["rejected", "accepted"]
    assert len(services.refused.page(after=None, reason="too-large", limit=10)) == 2


def test_a_properties_object_of_10_000_keys_is_too_large(site: TestClient) -> None:
    wide = {**VIEWED, "properties": {f"k{n}": n for n in range(10_000)}}
    assert site.post("/v1/track", json=wide).status_code == 400


def test_a_batch_may_have_500_kilobytes_and_2_500_events(
    site: TestClient, services: Services
) -> None:
    small = {"type": "page", "anonymousId": "a1"}
    answer = site.post("/v1/batch", json=batch(*[small] * 2_500))
    assert answer.status_code == 200
    assert len(facts(services)) == 2_500
    many = site.post("/v1/batch", json=batch(*[small] * 2_501))
    assert (many.status_code, many.json()["code"]) == (400, "too-many")
    large = site.post("/v1/batch", json=batch(*[{**small, "name": "x" * 1000}] * 500))
    assert (large.status_code, large.json()["code"]) == (400, "body-too-large")
    assert len(facts(services)) == 2_500


def test_gzip_is_unpacked(site: TestClient, services: Services) -> None:
    body = gzip.compress(json.dumps(batch(VIEWED)).encode())
    answer = site.post("/v1/batch", content=body, headers={"Content-Encoding": "gzip"})
    assert answer.json()["success"]
    assert "activity.tracked" in types(services)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (lambda: gzip.compress(b"x" * 200_000_000, 1), "body-too-large"),
        (lambda: gzip.compress(gzip.compress(b" " * 50_000_000, 1)), "broken-json"),
        (lambda: gzip.compress(b" " * 400_000) * 2, "body-too-large"),
        (lambda: b"plain", "body-broken"),
        (lambda: gzip.compress(b"{}")[:-9], "body-broken"),
        (lambda: zlib.compress(b"{}"), "body-broken"),
    ],
    ids=lambda given: given if isinstance(given, str) else "body",
)
def test_a_gzip_bomb_does_not_go_off(
    site: TestClient, body: Callable[[], bytes], code: str
) -> None:
    answer = site.post("/v1/batch", content=body(), headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "image/png"},
        {"Content-Encoding": "br"},
    ],
)
def test_what_is_not_sent_as_json_is_refused(site: TestClient, headers: dict[str, str]) -> None:
    answer = site.post("/v1/track", content=json.dumps(VIEWED), headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize("media", ["text/plain", "application/json; charset=utf-8", ""])
def test_beacons_are_read_as_json(site: TestClient, media: str) -> None:
    headers = {"Content-Type": media}
    answer = site.post("/v1/track", content=json.dumps(VIEWED).encode(), headers=headers)
    assert answer.status_code == 200


def test_browsers_of_other_sites_may_publish(stranger: TestClient, site: TestClient) -> None:
    asked = stranger.options("/v1/track", headers={"Origin": "https://shop.example"})
    assert asked.status_code == 204
    assert "authorization" in asked.headers["access-control-allow-headers"]
    assert site.post("/v1/track", json=VIEWED).headers["access-control-allow-origin"] == "*"


def test_there_are_no_other_doors(site: TestClient) -> None:
    assert site.post("/v1/delete", json=VIEWED).status_code == 404
    assert site.get("/v1/track").status_code == 405


def test_the_same_message_is_recorded_once(site: TestClient, services: Services) -> None:
    message = {**VIEWED, "messageId": "m1"}
    first = site.post("/v1/batch", json=batch(message, message, sentAt="2026-01-01T00:00:00Z"))
    assert [r.get("duplicate", False) for r in first.json()["results"]] == [False, True]
    again = site.post("/v1/track", json={**message, "sentAt": "2026-01-01T00:00:09Z"})
    assert again.json() == {
        "success": True,
        "results": [{"messageId": "m1", "status": "accepted", "duplicate": True}],
    }
    assert types(services).count("activity.tracked") == 1


def test_the_same_id_with_another_content_is_refused_and_kept(
    site: TestClient, services: Services
) -> None:
    site.post("/v1/track", json={**VIEWED, "messageId": "m1"})
    other = {**VIEWED, "messageId": "m1", "event": "Product Clicked"}
    (result,) = site.post("/v1/track", json=other).json()["results"]
    assert (result["status"], result["reason"]) == ("rejected", "other-content")
    (kept,) = services.refused.page(after=None, reason=None, limit=10)
    assert json.loads(services.refused.open([kept])[kept.id].message)["batch"] == [other]
    assert types(services).count("activity.tracked") == 1


def test_messages_without_an_id_are_never_the_same(site: TestClient, services: Services) -> None:
    results = site.post("/v1/batch", json=batch(VIEWED, VIEWED)).json()["results"]
    assert results[0]["messageId"] != results[1]["messageId"]
    assert types(services).count("activity.tracked") == 2


def test_a_refund_may_come_before_its_order_and_an_order_before_its_customer(
    site: TestClient, services: Services
) -> None:
    assert site.post("/v1/track", json=order("Order Refunded", total=3)).json()["success"]
    assert site.post("/v1/track", json=order("Order Completed", total=9)).json()["success"]
    assert site.post("/v1/identify", json={"userId": "42"}).json()["success"]
    history = services.log.stream(services.ids.order("shop", "1001"))
    assert [fact.type for fact in history] == ["order.refunded", "order.placed", "order.paid"]
    customer = services.ids.user("shop", "42")
    assert {fact.origin for fact in history} == {customer}
    assert types(services).count("customer.registered") == 1


def test_a_visitors_events_are_the_customers_once_recognised(
    site: TestClient, services: Services
) -> None:
    site.post("/v1/page", json={"anonymousId": "a1", "name": "Home"})
    site.post("/v1/identify", json={"anonymousId": "a1", "userId": "42"})
    site.post("/v1/page", json={"anonymousId": "a1", "name": "Cart"})
    customer = services.ids.user("shop", "42")
    assert facts(services)[-1].origin == customer
    visitor = services.ids.anonymous("shop", "a1")
    assert services.reader.customer_of(visitor) == customer


def test_the_original_is_kept_without_its_key(stranger: TestClient, services: Services) -> None:
    _, secret = make_key(services.settings.log_url, "site", "ingest")
    stranger.post("/v1/track", json={**VIEWED, "writeKey": secret})
    with services.writer.connection() as connection:
        ((origin, stream, sealed, month),) = connection.execute(
            "select o.origin, f.stream, o.sealed, to_char(o.recorded_at, 'YYYY-MM') "
            "from log.original o join log.fact f using (position)"
        ).fetchall()
    original = services.sealer.open_original(origin, stream, sealed, "shop", "site", month)
    assert original is not None
    assert secret.encode() not in original
    assert json.loads(original)["batch"] == [VIEWED]


def test_events_of_a_large_batch_are_answered_in_their_order(site: TestClient) -> None:
    events = [VIEWED | {"messageId": f"m{n}", "properties": {"x": "y" * n}} for n in range(500)]
    events[100] = {"type": "dance", "messageId": "m100"}
    answers = [site.post("/v1/batch", json=batch(*events)).json()["results"] for _ in range(2)]
    for results in answers:
        assert [result["messageId"] for result in results] == [f"m{n}" for n in range(500)]
        assert [n for n, result in enumerate(results) if result["status"] == "rejected"] == [100]


def test_who_sends_more_than_can_be_written_is_asked_to_wait(
    site: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "MOST_WAITING", -1)
    answer = site.post("/v1/track", json=VIEWED)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert facts(services) == []


def test_of_a_key_with_its_share_in_hand_no_more_is_read(services: Services) -> None:
    _, secret = make_key(services.settings.log_url, "noisy", "ingest")
    services.keys.check(secret)
    door = Ingest(services)
    asked = {
        "method": "POST",
        "path_params": {"kind": "batch"},
        "path": "/v1/batch",
        "request_id": "1",
        "headers": [
            (b"authorization", f"Bearer {secret}".encode()),
            (b"content-length", b"500000"),
        ],
    }

    async def statuses() -> list[int]:
        enough = asyncio.Event()

        async def nothing() -> Message:
            reading.append(1)
            await enough.wait()
            return {"type": "http.disconnect"}

        first = [asyncio.create_task(door.answer(dict(asked), nothing)) for _ in range(20)]
        await asyncio.sleep(0)
        enough.set()
        answers = await asyncio.gather(*first)
        return [answer.status_code for answer in answers if answer is not None]

    reading: list[int] = []
    refused = asyncio.run(statuses())
    assert 0 < len(reading) < 20
    assert refused == [429] * (20 - len(reading))


def test_without_a_log_nothing_is_accepted(site: TestClient, services: Services) -> None:
    services.log.close()
    for answer in (
        site.post("/v1/track", json=VIEWED),
        site.post("/v1/batch", json=batch(VIEWED, {"type": "dance"})),
    ):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1


def test_refusals_are_counted_by_reason(
    site: TestClient, with_scopes: Callable[..., TestClient]
) -> None:
    site.post("/v1/batch", json=batch({"type": "dance", "userId": "42"}, "nonsense"))
    site.post("/v1/track", content=b"{")
    metrics = with_scopes("metrics").get("/metrics").text
    for code in ("unknown-type", "wrong-type", "broken-json"):
        assert f'huike_refusals_total{{reason="{code}"}} 1.0' in metrics


def test_openapi_tells_of_the_shops_doors(with_scopes: Callable[..., TestClient]) -> None:
    paths = with_scopes("query").get("/openapi.json").json()["paths"]
    assert {f"/v1/{kind}" for kind in ("identify", "track", "batch")} <= set(paths)


def forget(services: Services, user: str) -> None:
    services.sealer.forget([services.ids.user("shop", user)])


def kept(services: Services) -> list[str | None]:
    return [one.place for one in services.refused.page(after=None, reason=None, limit=10)]


def test_of_somebody_who_was_forgotten_nothing_is_kept(
    site: TestClient, services: Services
) -> None:
    forget(services, "42")
    (result,) = site.post("/v1/track", json=VIEWED).json()["results"]
    assert (result["status"], result["reason"]) == ("rejected", "forgotten")
    assert facts(services) == []
    assert kept(services) == []


def test_nor_what_is_refused_of_them_for_another_reason(
    site: TestClient, services: Services
) -> None:
    forget(services, "42")
    theirs = order("Order Completed", order_id="1", total=5, currency="BADC", email="a@b.example")
    others = {**theirs, "userId": "43"}
    linked = {**others, "type": "alias", "previousId": ""} | {"context": {"traits": {"id": "42"}}}
    answer = site.post("/v1/batch", json={"batch": [theirs, others, linked]}).json()
    reasons = [result["reason"] for result in answer["results"]]
    assert reasons == ["unknown-currency", "unknown-currency", "nobody"]
    assert kept(services) == ["event 1"]
    broken = b'{"type":"track","userId":"42","properties":{"email":"a@b.example","total":NaN}}'
    assert site.post("/v1/track", content=broken).status_code == 400
    assert kept(services) == ["event 1"]
