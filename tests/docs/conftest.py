"""A small shop that is served, for the pages that ask about one."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import database
from tests.docs.running import service

EVENTS = [
    {
        "type": "page",
        "name": "Home",
        "anonymousId": "visitor-7",
        "messageId": "m1",
        "timestamp": "2025-03-01T10:00:00Z",
    },
    {
        "type": "identify",
        "userId": "ada",
        "anonymousId": "visitor-7",
        "traits": {"email": "ada@example.com"},
        "messageId": "m2",
        "timestamp": "2025-03-01T10:05:00Z",
    },
    {
        "type": "track",
        "event": "Order Completed",
        "userId": "ada",
        "messageId": "m3",
        "timestamp": "2025-03-03T12:00:00Z",
        "properties": {"order_id": "1001", "total": "42.50", "currency": "USD"},
    },
]


@pytest.fixture(scope="session")
def shop(
    postgres_url: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Give the environment of a served shop with a customer, an order and keys."""
    folder = tmp_path_factory.mktemp("shop")
    with database(postgres_url, template) as url, service(url, folder) as environment:
        environment["HUIKE"] = f"http://127.0.0.1:{environment['HUIKE_PORT']}"
        environment["INGEST"] = key(folder, environment, "ingest")
        environment["KEY"] = key(folder, environment, "query", "command", "audit", "admin")
        publish(environment)
        yield environment


def key(folder: Path, environment: dict[str, str], *scopes: str) -> str:
    """Make a key as people do."""
    asked = [word for scope in scopes for word in ("--scope", scope)]
    made = subprocess.run(
        ["huike", "keys", "add", "a test", *asked],  # noqa: S607  # as people type it
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return made.stdout.strip().splitlines()[-1]


def publish(environment: dict[str, str]) -> None:
    body = json.dumps({"batch": EVENTS, "writeKey": environment["INGEST"]}).encode()
    request = urllib.request.Request(  # noqa: S310  # our own
        f"{environment['HUIKE']}/v1/batch", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # our own
        assert json.load(answer)["success"]
