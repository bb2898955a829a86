"""A shop sends many times what can be written down, beside one that sends little."""

import subprocess
import sys
import time
from statistics import quantiles
from typing import Self
from urllib.parse import urlsplit

import msgspec

from tests.cli.running import Installation, part_of
from tests.drills.drill import Drill, Findings
from tests.drills.ground import Ground, settings_of
from tests.drills.health import Seen
from tests.drills.load import Load
from tests.drills.looking import look

MOST_MEMORY = 500 * 1024**2
HEALTH_SECONDS = 0.1
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
        with _Watching(installation, part_of(supervisor, "serve")) as watching, quiet:
            time.sleep(2)
            with noisy:
                before = len(quiet.accepted)
                time.sleep(ground.of(long=120, short=3))
                meanwhile = len(quiet.accepted) - before
        found.note(
            f"{lanes} connections sent batches of {BATCH}: {lanes * BATCH:,} events at the door "
            "at any time"
        )
        watching.look(found, None if ground.short else HEALTH_SECONDS)
        refused = sum(n for status, n in noisy.statuses.items() if status in {"429", "503"})
        found.claim("the noisy shop is refused", held=refused > 0, found=f"{refused:,} times")
        found.note(f"a refusal took {noisy.slowest_refusal:.2f} s at most")
        found.claim("the quiet shop is served meanwhile", held=meanwhile > 0, found=meanwhile)
        found.same("answers to the quiet shop", set(quiet.statuses), {"200"})
        found.note(f"the quiet shop's slowest answer took {quiet.slowest:.2f} s")
        look(found, settings, [noisy, quiet])


class _Watching:
    """Has somebody else ask for health: this process is busy sending."""

    def __init__(self, installation: Installation, pid: int) -> None:
        place = urlsplit(installation.url).netloc
        self._command = [sys.executable, "-m", "tests.drills.health", place, str(pid)]
        self._installation = installation
        self._told: bytes = b""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            cwd=self._installation.folder,
            env=self._installation.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._told = self._process.communicate(timeout=90)[0]

    def look(self, found: Findings, within: float | None) -> None:
        """Claim that the server was well, and p99 of its health within so many seconds."""
        seen = msgspec.json.decode(self._told, type=Seen)
        p50, p99 = (quantiles(seen.seconds, n=100)[n] for n in (49, 98))
        told = f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, {len(seen.seconds):,} asked"
        if within is None:
            found.note(f"/health: {told}")
        else:
            held = p99 < within
            found.claim(f"p99 of /health is under {within * 1000:.0f} ms", held=held, found=told)
        found.same("answers that were not healthy", seen.unhealthy, 0)
        found.claim(
            f"the server keeps within {MOST_MEMORY / 1024**2:.0f} MB",
            held=seen.memory < MOST_MEMORY,
            found=f"{seen.memory / 1024**2:.0f} MB at most",
        )


OVERLOAD = Drill(
    name="overload",
    must_hold="Under many times its load, memory is bounded, shops are told by 429 or "
    "503 when to come back, what is accepted is kept, a quiet shop is served, and p99 of health is "
    "under 100 ms.",
    run=run,
)
