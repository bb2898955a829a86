"""A shop sends many times what can be written down, beside one that sends little."""

import http.client
import threading
import time
from statistics import quantiles
from typing import Self
from urllib.parse import urlsplit

import psutil

from tests.cli.running import part_of
from tests.drills.drill import Drill, Findings
from tests.drills.ground import Ground, settings_of
from tests.drills.load import Load
from tests.drills.looking import look

MOST_MEMORY = 500 * 1024**2
LANES = 120
BATCH = 400


def run(ground: Ground, found: Findings) -> None:
    """Keep many times as many events before the door as one key may have in hand."""
    lanes = ground.of(long=LANES, short=30)
    installation = ground.installation()
    with installation.up() as supervisor:
        settings = settings_of(installation)
        noisy = Load(
            installation.url,
            installation.key("ingest"),
            name="noisy",
            lanes=lanes,
            batch=BATCH,
            pause=0,
        )
        quiet = Load(installation.url, installation.key("ingest"), name="quiet", lanes=1, batch=1)
        with _Watching(installation.url, part_of(supervisor, "serve")) as watching, quiet:
            time.sleep(2)
            with noisy:
                before = len(quiet.accepted)
                time.sleep(ground.of(long=120, short=6))
                meanwhile = len(quiet.accepted) - before
        found.note(
            f"{lanes} connections sent batches of {BATCH}: {lanes * BATCH:,} events at the door "
            "at any time"
        )
        watching.look(found)
        refused = sum(n for status, n in noisy.statuses.items() if status in {"429", "503"})
        found.claim("the noisy shop is refused", held=refused > 0, found=f"{refused:,} times")
        found.note(f"a refusal took {noisy.slowest_refusal:.2f} s at most")
        found.claim("the quiet shop is served meanwhile", held=meanwhile > 0, found=meanwhile)
        found.same("answers to the quiet shop", set(quiet.statuses), {"200"})
        found.note(f"the quiet shop's slowest answer took {quiet.slowest:.2f} s")
        look(found, settings, [noisy, quiet])


class _Watching:
    """Asks for health and looks at the server's memory the whole time."""

    def __init__(self, url: str, pid: int) -> None:
        self._place = urlsplit(url).netloc
        self._server = psutil.Process(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._seconds: list[float] = []
        self._memory = 0
        self._unhealthy = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _watch(self) -> None:
        connection = http.client.HTTPConnection(self._place, timeout=60)
        while not self._stop.wait(0.02):
            began = time.monotonic()
            connection.request("GET", "/health")
            answer = connection.getresponse()
            answer.read()
            self._seconds.append(time.monotonic() - began)
            self._unhealthy += answer.status != http.client.OK
            self._memory = max(self._memory, self._server.memory_info().rss)
        connection.close()

    def look(self, found: Findings) -> None:
        p50, p99 = (quantiles(self._seconds, n=100)[n] * 1000 for n in (49, 98))
        found.note(f"/health: p50 {p50:.0f} ms, p99 {p99:.0f} ms, {len(self._seconds):,} asked")
        found.same("answers that were not healthy", self._unhealthy, 0)
        found.claim(
            f"the server keeps within {MOST_MEMORY / 1024**2:.0f} MB",
            held=self._memory < MOST_MEMORY,
            found=f"{self._memory / 1024**2:.0f} MB at most",
        )


OVERLOAD = Drill(
    name="overload",
    must_hold="Under many times its load, memory is bounded, shops are told by 429 or "
    "503 when to come back, what is accepted is kept, and a quiet shop is served.",
    run=run,
)
