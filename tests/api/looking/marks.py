"""Of Ada, what no mask lets through; where it would be shown, and who was seen to look."""

from typing import Any

import httpx2
from starlette.testclient import TestClient

from tests.api.shop import Shop, ask

MARKS = ("Ada Lovelace", "ada@example.com", "7946 0018", "shoe-38", "came open", "call me Countess")
WHOLE = "Ada Lovelace"


def places(customer: str) -> list[str]:
    """Return what is asked about one customer that holds personal data."""
    return [
        f"/customers/{customer}",
        "/customers/by/user/ada",
        "/customers/by/email/ada@example.com",
        f"/customers/{customer}/timeline",
        f"/customers/{customer}/why/name",
    ]


def reads(auditor: TestClient, **wanted: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(auditor, "/audit/access", **wanted)["reads"]
    return found


def marked(answer: str) -> list[str]:
    return [mark for mark in MARKS if mark in answer]


def shown(answer: httpx2.Response) -> list[str]:
    """Return the marks of an answer, apart from the path that was asked for."""
    return marked(answer.text.replace(answer.request.url.path, ""))


def at(shop: Shop) -> dict[str, Any]:
    return {"position": shop.position}
