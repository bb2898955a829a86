"""Persons who leave a mark in every field that can hold one, through every door."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any, Final

import httpx2

from infra.kafka import producer
from infra.settings import Settings
from tests.privacy.marks import Person

PLAIN: Final = "zq7plain"
"""A product's code, which is kept in the clear wherever a fact is kept."""

NOBODYS: Final = frozenset({"garbage"})
"""Fields that are sent with nothing that says whose they are."""

_BATCH: Final = 200
_JSON: Final = {"Content-Type": "application/json"}


def told_by_shop(person: Person) -> list[dict[str, Any]]:
    """Return what a shop's site tells of somebody."""
    mark = person.mark
    who = {"userId": mark("user"), "anonymousId": mark("visitor")}
    context = {
        "ip": "203.0.113.9",
        "userAgent": mark("agent"),
        "page": {"url": f"https://shop.example/?q={mark('pageurl')}", "title": mark("pagetitle")},
        "traits": {"email": person.email},
        "referrer": {"url": f"https://search.example/?q={mark('referrer')}"},
        "campaign": {"name": "spring", "term": mark("term"), "reader": mark("campaignreader")},
        "device": {"type": "ios", "id": mark("device"), "name": mark("devicename")},
        "network": {"wifi": True, "ssid": mark("network")},
        "location": {"city": mark("location")},
        "timezone": person.email,
    }
    address = {"street": mark("street"), "city": mark("city"), "postalCode": mark("postcode")}
    events: list[dict[str, Any]] = [
        {
            "type": "page",
            "anonymousId": mark("visitor"),
            "name": "Search",
            "properties": {
                "url": f"https://shop.example/search?q={mark('url')}",
                "search": f"?q={mark('search')}",
                "title": mark("title"),
                "referrer": f"https://{mark('from')}.example",
            },
        },
        {
            "type": "identify",
            **who,
            "traits": {
                "name": mark("name"),
                "firstName": mark("first"),
                "lastName": mark("last"),
                "email": person.email,
                "phone": person.phone,
                "address": address,
                "birthday": mark("birthday"),
                "title": mark("salutation"),
                "company": {"name": mark("company")},
                "username": mark("username"),
                "website": f"https://{mark('website')}.example",
                "avatar": f"https://cdn.example/{mark('avatar')}.png",
                "description": mark("description"),
                "shoeSize": mark("unknowntrait"),
            },
        },
        {"type": "alias", "userId": mark("user"), "previousId": mark("previous")},
        {"type": "group", **who, "groupId": mark("group"), "traits": {"name": mark("groupname")}},
        {"type": "screen", **who, "name": "Cart", "properties": {"note": mark("screen")}},
        {
            "type": "track",
            **who,
            "event": "Products Searched",
            "properties": {
                "query": mark("query"),
                "filters": [{"type": "text", "value": mark("filter")}, mark("barefilter")],
                "sorts": [{"type": "price", "value": mark("sort"), "by": mark("sortby")}],
                "affiliation": person.email,
            },
        },
        {
            "type": "track",
            **who,
            "event": "Product Viewed",
            "properties": {
                "product_id": PLAIN,
                "url": mark("producturl"),
                "mood": mark("unknown"),
                "deep": {"and": [{"deeper": [mark("nested")]}]},
                "brand": {"name": mark("wrongtype")},
            },
        },
        {
            "type": "track",
            **who,
            "event": "Survey Answered",
            "properties": {"name": mark("answer")},
        },
        {
            "type": "track",
            **who,
            "event": "Order Completed",
            "properties": {
                "order_id": f"order-{person.number}",
                "total": "19.90",
                "currency": "USD",
                "products": [
                    {"product_id": PLAIN, "price": "19.90", "engraving": mark("engraving")}
                ],
                "shipping_address": {**address, "name": mark("recipient")},
                "gift_message": mark("gift"),
            },
        },
        {
            "type": "track",
            **who,
            "event": "Order Cancelled",
            "properties": {"order_id": f"order-{person.number}", "reason": mark("whycancelled")},
        },
        {
            "type": "track",
            **who,
            "event": "Order Paid",
            "properties": {"currency": mark("refused")},
        },
        {"type": "track", "event": mark("nobody"), "properties": {"a": mark("nobodys")}},
    ]
    return [
        {
            "messageId": f"{mark('message')}-{number}",
            "context": context,
            "integrations": {"of": mark("integrations")},
            **event,
        }
        for number, event in enumerate(events)
    ]


def told_of_parcel(person: Person) -> Iterable[dict[str, Any]]:
    """Yield what a shop tells of somebody's order after they had it."""
    about = {
        "Order Shipped": {"tracking_number": person.mark("tracking"), "carrier": person.email},
        "Order Refunded": {"reason": person.mark("whyrefunded"), "currency": "USD"},
    }
    for event, properties in about.items():
        yield {
            "type": "track",
            "userId": person.mark("user"),
            "event": event,
            "properties": {"order_id": f"order-{person.number}", **properties},
        }


def publish(client: httpx2.Client, persons: Iterable[Person]) -> None:
    """Publish what the shop tells of them, by HTTP."""
    _publish(client, [event for person in persons for event in told_by_shop(person)])


def publish_parcels(client: httpx2.Client, persons: Iterable[Person]) -> None:
    """Publish by HTTP what became of their orders."""
    _publish(client, [event for person in persons for event in told_of_parcel(person)])


def _publish(client: httpx2.Client, events: Sequence[Mapping[str, Any]]) -> None:
    for start in range(0, len(events), _BATCH):
        client.post("/v1/batch", json={"batch": events[start : start + _BATCH]}).raise_for_status()


def publish_by_kafka(settings: Settings, persons: Iterable[Person]) -> None:
    """Publish it to the shops' topic, and CloudEvents, and what is neither."""
    with closing(producer(settings)) as shop:
        sent = []
        for person in persons:
            records = [json.dumps(event).encode() for event in told_by_shop(person)]
            cloud = {
                "specversion": "1.0",
                "id": f"cloud-{person.number}",
                "source": f"/{person.mark('cloudsource')}",
                "type": "product.viewed",
                "data": {"userId": person.mark("user"), "text": person.mark("clouddata")},
            }
            records += [json.dumps(cloud).encode(), f"garbage {person.mark('garbage')}".encode()]
            key = person.mark("user").encode()
            sent += [shop.send(settings.kafka_topic_in, record, key=key) for record in records]
        for one in sent:
            one.get(60)


def campaign(client: httpx2.Client) -> str:
    """Begin a campaign; return where it is."""
    drafted = {"code": "spring", "name": "Spring teas", "channel": "email"}
    place = f"/api/campaigns/{_done(client.post('/api/campaigns', json=drafted))['id']}"
    _done(client.post(f"{place}/launch", json={"control_share": "0"}))
    return place


def serve(client: httpx2.Client, person: Person, campaign: str) -> None:
    """Do for somebody all that people of the shop do, in their own words."""
    mark = person.mark
    user = mark("served")
    told = {
        "user": user,
        "person": {"name": mark("name"), "email": f"{mark('second')}@example.com"},
        "traits": {"x": mark("x")},
    }
    once = {"Idempotency-Key": mark("once"), **named(person)}
    made = _done(client.post("/api/customers", json=told, headers=once))
    customer = f"/api/customers/user:{user}"
    _done(client.post(f"{customer}/notes", json={"text": mark("note")}))
    consent = f"{customer}/consents/email/newsletter"
    _done(client.put(consent, json={"source": mark("consentsource"), "wording": "v1"}))
    _done(client.put(f"{consent}/withdrawal", json={"source": mark("letter"), "wording": "v1"}))
    _done(client.put(f"{customer}/legal-hold", json={"reason": mark("whyheld")}))
    _done(client.put(f"{customer}/legal-hold/lifting", json={"reason": mark("whylifted")}))
    matter = {"customer": made["id"], "kind": "complaint", "channel": "email"}
    opened = _done(client.post("/api/tickets", json={**matter, "about": mark("about")}))
    ticket = f"/api/tickets/{opened['id']}"
    said = {"author": "customer", "text": mark("complaint")}
    _done(client.post(f"{ticket}/messages", json=said))
    _done(client.post(f"{ticket}/escalation", json={"to": "grace", "reason": mark("whyescalated")}))
    _done(client.post(f"{ticket}/resolution", json={"outcome": mark("outcome")}))
    _done(client.post(f"{ticket}/reopening", json={"reason": mark("whyreopened")}))
    _done(client.post(f"{ticket}/resolution", json={"outcome": mark("outcome")}))
    _done(client.post(f"{ticket}/closing"))
    _done(client.put(f"{ticket}/rating", json={"score": 1, "comment": mark("rating")}))
    sent_to = {"users": [user], "anchor": "2026-03-01T09:00:00Z"}
    _done(client.post(f"{campaign}/recipients", json=sent_to))
    outcomes = [
        {"user": user, "happened": "clicked", "link": f"/spring?to={mark('link')}"},
        {"user": user, "happened": "bounced", "reason": mark("whybounced")},
        {"user": user, "happened": "failed", "reason": mark("whyfailed")},
    ]
    reported = _done(client.post(f"{campaign}/messages", json={"outcomes": outcomes}))
    assert reported["recorded"] == len(outcomes), reported


def _done(answer: httpx2.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    told: dict[str, Any] = answer.json()
    return told


def named(person: Person) -> dict[str, str]:
    """Return headers by which somebody is named who is not asked for their name."""
    return {
        "User-Agent": person.mark("browser"),
        "Referer": f"https://shop.example/{person.mark('cameby')}",
        "X-Request-ID": f"{person.mark('request')}:ada.lovelace",
    }


def ask_wrongly(client: httpx2.Client, person: Person) -> Iterable[httpx2.Response]:
    """Yield the answers to questions that are malformed, or about nobody, each with a mark."""
    mark = person.mark
    yield client.get(f"/api/customers/user:{mark('path')}")
    yield client.get(f"/api/customers/by/email/{mark('wrong')}")
    yield client.get("/api/customers", params={"cursor": mark("cursor")})
    yield client.get("/api/customers", params={mark("parameter"): "1"})
    yield client.get("/api/lifecycle", params={"at": mark("instant")})
    yield client.get(f"/{mark('route')}")
    yield client.post("/api/customers", json={"user": {"a": mark("type")}})
    yield client.post("/api/customers", json={mark("member"): 1})
    yield client.post("/api/customers", content=f'{{"{mark("json")}'.encode(), headers=_JSON)
    yield client.post("/api/orders", json={"number": "1", "currency": mark("currency")})
    yield client.post("/v1/track", json={"event": {"a": mark("event")}})
    yield client.post("/v1/batch", json={"batch": mark("batch")})
    yield client.post("/v1/track", content=mark("text").encode(), headers=_JSON)
    yield client.get("/api/customers", headers={"Authorization": f"Bearer {mark('key')}"})
    yield client.get(f"/{mark('route')}", headers=named(person))
