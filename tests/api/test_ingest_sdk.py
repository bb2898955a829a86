"""Segment's own SDK publishes here, with only its host and key changed."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest
import uvicorn
from fastapi import FastAPI
from segment.analytics.client import Client

from api.services import Services
from tests.keys import make_key

EVENTS = 10_000


@pytest.fixture
def host(app: FastAPI) -> Iterator[str]:
    """Serve the application on a port of its own."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.01)
    (listener,) = server.servers[0].sockets
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)


@pytest.mark.slow
@pytest.mark.parametrize("packed", [False, True])
def test_it_loses_and_doubles_nothing(host: str, services: Services, packed: bool) -> None:  # noqa: FBT001  # a parameter of the test
    _, secret = make_key(services.settings.log_url, "sdk", "ingest")
    failures: list[object] = []
    client = Client(
        secret,
        host=host,
        gzip=packed,
        max_queue_size=EVENTS,
        thread=4,
        on_error=lambda error, _: failures.append(error),
    )
    for number in range(EVENTS):
        client.track(f"user {number % 100}", "Product Viewed", {"position": number})
    client.shutdown()
    assert failures == []
    seen: Counter[int] = Counter()
    with closing(services.reader):
        position = 0
        while facts := services.reader.read(position, 5_000):
            position = facts[-1].position
            seen.update(
                fact.event.properties["position"]  # type: ignore[attr-defined]  # it is a Tracked
                for fact in facts
                if fact.type == "activity.tracked"
            )
    assert seen == Counter(range(EVENTS))
