"""A views' worker under test: the runtime's small shop, followed by threads and processes."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from consumers.views import run_views
from infra.settings import Settings
from projections.projection import View
from tests.projections.runtime.shop import Shop
from tests.projections.runtime.tiny import tiny

WAIT_SECONDS = 40.0
VIEWS: Mapping[str, View] = {"tiny": tiny}


def worker(settings: Settings, views: Mapping[str, View] = VIEWS) -> AbstractContextManager[None]:
    """Run a worker in a thread, and end it as SIGTERM does."""
    return running(lambda stop: run_views(settings, stop, views))


@contextmanager
def running(work: Callable[[threading.Event], object]) -> Iterator[None]:
    """Run a process in a thread until the block ends; raise what it raised."""
    stop = threading.Event()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work(stop)
        except BaseException as error:  # noqa: BLE001  # raised in the test below
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()
        if failed:
            raise failed[0]


@contextmanager
def process(settings: Settings) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a worker in a process of its own, which may be killed."""
    told = settings.model_dump(include={"log_url", "keyring", "slots", "kafka_bootstrap"})
    told |= settings.model_dump(include={"kafka_topic_facts"})
    environment = {f"HUIKE_{k.upper()}": str(v) for k, v in told.items() if v is not None}
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.consumers.following"],
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[2],
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait(WAIT_SECONDS)


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds; fail by naming it when it does not in time."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)


def position(shop: Shop) -> int:
    """Return the position that every slot of the view has reached."""
    row = shop.connection.execute(
        "select position from huike.freshness where view = 'tiny'"
    ).fetchone()
    return row[0] if row else -1


def wait_for(shop: Shop, wanted: int) -> None:
    eventually(lambda: position(shop) >= wanted, f"position {wanted}")


if __name__ == "__main__":
    run_views(Settings(), threading.Event(), VIEWS)
