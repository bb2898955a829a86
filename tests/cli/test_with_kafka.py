"""Server and workers alone, with Kafka: what a shop publishes to its topic is in the profile."""

import json
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from infra.kafka import producer
from infra.settings import Settings
from tests.cli.running import Installation, await_that, track

PATIENCE = 120.0
"""Five processes, Kafka and Postgres begin at once, on a machine that may do other things too."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]


@pytest.fixture
def installation(bare_database_url: str, kafka_bootstrap: str, tmp_path: Path) -> Installation:
    name = uuid4().hex
    return Installation(
        tmp_path,
        HUIKE_LOG_URL=bare_database_url,
        HUIKE_KAFKA_BOOTSTRAP=kafka_bootstrap,
        HUIKE_KAFKA_TOPIC_IN=f"{name}.events",
        HUIKE_KAFKA_TOPIC_DEAD=f"{name}.events.dead",
        HUIKE_KAFKA_TOPIC_FACTS=f"{name}.facts",
    )


def test_a_published_event_is_in_the_profile(
    installation: Installation, kafka_bootstrap: str
) -> None:
    made = installation.run("topics")
    assert made.returncode == 0, made.stderr
    assert made.stdout.count("made, ") == 3
    assert installation.run("topics").stdout.count("was there") == 3
    with ExitStack() as stack:
        server = stack.enter_context(installation.running("serve"))
        installation.await_ready(server)
        workers = [
            stack.enter_context(installation.running("work", part))
            for part in ("relay", "shop", "views")
        ]
        with closing(producer(Settings(kafka_bootstrap=kafka_bootstrap))) as shop:
            topic = installation.environment["HUIKE_KAFKA_TOPIC_IN"]
            events = [json.dumps(track(n, "ada")).encode() for n in range(10)]
            for sent in [shop.send(topic, event) for event in events]:
                sent.get(60)
        with installation.client(installation.key("query")) as client:
            await_that(lambda: knows(client, "ada"), installation.told, PATIENCE)
        await_that(lambda: installation.run("doctor").returncode == 0, installation.told, PATIENCE)
        assert all(process.poll() is None for process in (server, *workers)), installation.told()
    assert [process.returncode for process in (server, *workers)] == [0, 0, 0, 0]


def knows(client: httpx2.Client, user: str) -> bool:
    try:
        return client.get(f"/api/customers/by/user/{user}").is_success
    except httpx2.TransportError:  # busy: it is asked again
        return False


def test_a_relay_without_its_topic_says_what_to_do(installation: Installation) -> None:
    refused = installation.run("work", "relay", within=90)
    assert refused.returncode == 2, refused.stderr
    assert "`huike topics`" in refused.stderr.splitlines()[-1]
    doctor = installation.run("doctor")
    assert doctor.returncode == 1
    assert "→ `huike topics` makes it" in doctor.stdout
