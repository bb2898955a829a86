"""Everything on one machine: killed under load, it loses and doubles nothing, and comes back."""

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import psycopg
import pytest

from projections.catalogue import VIEWS
from tests.cli.running import (
    Installation,
    Running,
    await_that,
    end,
    gone,
    kill,
    part_of,
    track,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CUSTOMERS = 12
WRITERS = 4


class Shop:
    """Publishes without end, as an SDK does: again and again until an event is accepted."""

    def __init__(self, installation: Installation) -> None:
        self.accepted: set[int] = set()
        self._installation = installation
        self._key = installation.key("ingest")
        self._numbers = itertools.count()
        self._stop = threading.Event()

    @contextmanager
    def publishing(self) -> Iterator[None]:
        with ThreadPoolExecutor(WRITERS) as threads:
            done = [threads.submit(self._publish) for _ in range(WRITERS)]
            try:
                yield
            finally:
                self._stop.set()
        for writer in done:
            writer.result()

    def more(self) -> None:
        """Wait until some more is accepted."""
        before = len(self.accepted)
        await_that(lambda: len(self.accepted) > before + 40, self._installation.told)

    def _publish(self) -> None:
        with self._installation.client(self._key) as client:
            while not self._stop.is_set():
                numbers = [next(self._numbers) for _ in range(5)]
                while not self._taken(client, numbers):
                    self._stop.wait(0.05)
                self.accepted.update(numbers)

    def _taken(self, client: httpx2.Client, numbers: list[int]) -> bool:
        batch = [self._event(n) for n in numbers]
        try:
            answer = client.post("/v1/batch", json={"batch": batch})
        except httpx2.TransportError:
            return False
        if answer.status_code != 200:
            assert answer.status_code in {429, 500, 502, 503, 504}, answer.text
            return False
        assert {r["status"] for r in answer.json()["results"]} == {"accepted"}, answer.text
        return True

    @staticmethod
    def _event(n: int) -> dict[str, Any]:
        user = f"user-{n % CUSTOMERS}"
        if n % 3:
            return track(n, user)
        order = {"order_id": str(n), "total": "10.00", "currency": "USD"}
        return {**track(n, user), "event": "Order Completed", "properties": order}


@pytest.fixture
def installation(server_folder: Path) -> Installation:
    return Installation(server_folder)


def recorded(installation: Installation) -> list[tuple[int, int]]:
    """Return how many activities are recorded, and of how many messages."""
    with psycopg.connect(installation.database) as connection:
        return connection.execute(
            "select count(*), count(distinct stream) from log.fact where type like 'activity.%'"
        ).fetchall()


def caught_up(installation: Installation) -> bool:
    with psycopg.connect(installation.database) as connection:
        row = connection.execute(
            "select (select min(position) from huike.checkpoint) "
            "= (select max(position) from log.batch)"
        ).fetchone()
    return row == (True,)


def postgres_of(installation: Installation) -> int:
    return int((installation.home / "postgres/data/postmaster.pid").read_text().split()[0])


def test_whatever_is_killed_under_load_nothing_accepted_is_lost_or_doubled(
    installation: Installation,
) -> None:
    with installation.up() as up:
        shop = Shop(installation)
        with shop.publishing():
            shop.more()
            kill(part_of(up, "serve"))
            shop.more()
            kill(part_of(up, "views"))
            shop.more()
            kill(postgres_of(installation))
            shop.more()
            kill(part_of(up, "serve"))
            kill(part_of(up, "views"))
            shop.more()
        await_that(lambda: caught_up(installation), installation.told)
        assert recorded(installation) == [(len(shop.accepted), len(shop.accepted))]
        _answers_for(installation, len(shop.accepted))
        for view in VIEWS:
            verified = installation.run("verify", view)
            assert verified.returncode == 0, verified.stdout + verified.stderr
        children = psutil.Process(up.pid).children(recursive=True)
        tree = [up.pid, postgres_of(installation), *(child.pid for child in children)]
        end(up)
        assert all(gone(pid) for pid in tree)
    assert up.returncode == 0


def _answers_for(installation: Installation, events: int) -> None:
    """Ask over HTTP whether every order is in the profiles, once."""
    with installation.client(installation.key("query")) as client:
        profiles = [
            client.get(f"/api/customers/by/user/user-{n}").raise_for_status().json()
            for n in range(CUSTOMERS)
        ]
    assert sum(profile["orders"] for profile in profiles) == len(range(0, events, 3))


def test_a_killed_supervisor_takes_its_processes_along_and_the_next_one_goes_on(
    installation: Installation,
) -> None:
    with installation.up() as up:
        key = installation.key("ingest")
        parts = [part_of(up, "serve"), part_of(up, "views")]
        with installation.client(key) as client:
            client.post("/v1/batch", json={"batch": [track(1, "ada")]}).raise_for_status()
        kill(up.pid)
        up.wait(10)
        with installation.up() as again:  # finds Postgres running, and waits for the port
            for pid in parts:
                await_that(lambda pid=pid: gone(pid))  # type: ignore[misc]  # bound as a default
            installation.await_ready(again)  # it was the old server that was ready before
            with installation.client(key) as client:
                client.post("/v1/batch", json={"batch": [track(1, "ada"), track(2, "ada")]})
            assert recorded(installation) == [(2, 2)]
        assert again.returncode == 0


def test_a_supervisor_that_is_stopped_while_it_starts_leaves_nothing(
    installation: Installation,
) -> None:
    with installation.running("up") as up:
        await_that(lambda: (installation.home / "postgres").exists() or _ended(up))
    assert up.returncode == 0, installation.told()
    assert not (installation.home / "postgres/data/postmaster.pid").exists()


def _ended(process: Running) -> bool:
    return process.poll() is not None
