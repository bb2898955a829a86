"""Half of what it can carry, for twenty minutes, by Kafka, with every process there is."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from statistics import median

import msgspec
import psutil

from infra import clock
from infra.dev.kafka import EmbeddedKafka
from infra.dev.postgres import EmbeddedPostgres
from infra.followers import Followers
from infra.kafka import producer
from infra.postgres import READER, WRITER, pool
from infra.settings import Settings
from tests.cli.running import Installation, Running, await_that, part_of, track
from tests.drills.drill import Drill, Findings
from tests.drills.ground import Ground, settings_of
from tests.drills.load import Load
from tests.drills.looking import look, recorded, settle

LANES = 4
BATCH = 50
CUSTOMERS = 10_000
PARTS = {"server": "serve", "views' worker": "views", "relay": "relay", "shop's worker": "shop"}
MOST_MEMORY = 300
"""Megabytes."""
FLAT = 1.1
BARELY_SECONDS = 1.0
"""A lag below this is as good as none."""

_MEGABYTE = 1_000_000
_LOOK_SECONDS = 1.0
_PERIODS = 10
_WRONG = {
    "processes": ('"level": "warning"', '"level": "error"', '"level": "critical"', "Traceback"),
    "Postgres": (" ERROR: ", " FATAL: ", " PANIC: "),
    "Kafka": (" WARN ", " ERROR ", " FATAL "),
}
"""What a line says that tells of something wrong."""


class Sample(msgspec.Struct, frozen=True):
    """What was seen at one instant: megabytes by process, seconds behind by follower."""

    memory: dict[str, float]
    behind: dict[str, float]


def run(ground: Ground, found: Findings) -> None:
    """Measure what it can carry, then send half of that; look at memory and lag meanwhile."""
    kafka = ground.own_kafka()
    installation = ground.installation(**ground.with_kafka(kafka.bootstrap))
    with installation.up() as supervisor:
        settings = settings_of(installation)
        processes = _processes(supervisor, kafka)
        load = partial(
            Load,
            installation.url,
            installation.key("ingest"),
            lanes=LANES,
            batch=BATCH,
            customers=CUSTOMERS,
        )
        flood, capacity = _capacity(load, settings, ground.of(long=60, short=10))
        found.note(f"sent as fast as it is answered, {capacity:,.0f} events/s are in every view")
        logs = _Logs(installation, kafka)
        seconds = ground.of(long=20 * 60, short=40)
        began = time.monotonic()
        with load(name="soak", every=LANES * BATCH / (capacity / 2)) as steady:
            samples, by_kafka = _watch(processes, settings, seconds)
        rate = len(steady.accepted) / (time.monotonic() - began)
        found.note(f"{rate:,.0f} events/s for {seconds / 60:.2g} minutes, one a second by Kafka")
        _look_at_memory(found, samples, flat=not ground.short)
        _look_at_lag(found, samples)
        logs.look(found)
        found.note(f"the slowest answer took {steady.slowest:.2f} s")
        await_that(lambda: recorded(settings, by_kafka) == len(by_kafka), installation.told)
        flood.accepted |= by_kafka
        look(found, settings, [flood, steady])
        doctor = installation.run("doctor")
        found.claim("`huike doctor` finds nothing to mend", held=doctor.returncode == 0)


def _capacity(load: Callable[..., Load], settings: Settings, seconds: int) -> tuple[Load, float]:
    """Send as much as is answered; return that load, and events a second until all is in views."""
    began = time.monotonic()
    with load(name="flood", pause=0) as flood:
        time.sleep(seconds)
    settle(settings)
    return flood, len(flood.accepted) / (time.monotonic() - began)


def _processes(supervisor: Running, kafka: EmbeddedKafka) -> dict[str, psutil.Process]:
    broker = int((kafka.directory / "pid").read_text())
    ours = {name: part_of(supervisor, word) for name, word in PARTS.items()}
    return {n: psutil.Process(pid) for n, pid in (ours | {"Kafka": broker}).items()}


def _watch(
    processes: Mapping[str, psutil.Process], settings: Settings, seconds: float
) -> tuple[list[Sample], set[str]]:
    """Look once a second, and publish an event by Kafka each time; return what was seen and sent.

    Raises psutil.NoSuchProcess when a process has ended.
    """
    assert settings.log_url is not None
    assert settings.views_or_log_url is not None
    samples: list[Sample] = []
    sent: set[str] = set()
    with ExitStack() as stack:
        shop = stack.enter_context(closing(producer(settings)))
        writer = stack.enter_context(pool(settings.log_url, WRITER, size=1))
        views = stack.enter_context(pool(settings.views_or_log_url, READER, size=1))
        followers = Followers(writer, views, clock.now)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            number = len(sent)
            event = track(number, f"by-kafka-{number % 10}") | {"messageId": f"soak-{number}"}
            value = json.dumps(event).encode()
            shop.send(settings.kafka_topic_in, value, headers=[("huike-source", b"site")])
            sent.add(f"soak-{number}")
            memory = {n: p.memory_info().rss / _MEGABYTE for n, p in processes.items()}
            behind = {f"{f.kind} {f.name}": f.seconds_behind for f in followers()}
            samples.append(Sample(memory, behind))
            time.sleep(_LOOK_SECONDS)
    return samples, sent


def _periods(samples: list[Sample]) -> list[list[Sample]]:
    length = max(1, len(samples) // _PERIODS)
    return [samples[n * length : (n + 1) * length] for n in range(_PERIODS)]


def _look_at_memory(found: Findings, samples: list[Sample], *, flat: bool) -> None:
    periods = _periods(samples)
    for name in samples[0].memory:
        held = [median(s.memory[name] for s in period) for period in periods if period]
        told = f"{' '.join(f'{h:.0f}' for h in held)} MB"
        if name not in PARTS:
            found.note(f"memory of {name}: {told}")
            continue
        right = max(s.memory[name] for s in samples) < MOST_MEMORY
        if flat:
            right = right and held[-1] <= FLAT * held[1]
        found.claim(f"memory of the {name} is flat, below {MOST_MEMORY} MB", held=right, found=told)


def _look_at_lag(found: Findings, samples: list[Sample]) -> None:
    periods = _periods(samples)
    for name in samples[-1].behind:
        seen = [[s.behind[name] for s in period if name in s.behind] for period in periods]
        lags = [median(lag) for lag in seen if lag]
        most = max(lag for period in seen for lag in period)
        found.claim(
            f"the lag of {name} is flat",
            held=lags[-1] <= max(FLAT * lags[1], BARELY_SECONDS),
            found=f"{' '.join(f'{lag:.2f}' for lag in lags)} s, at most {most:.1f} s",
        )


class _Logs:
    """What servers and processes say from now on."""

    def __init__(self, installation: Installation, kafka: EmbeddedKafka) -> None:
        self._files = {
            "processes": installation.home / "huike.log",
            "Postgres": EmbeddedPostgres(installation.home / "postgres").log,
            "Kafka": kafka.log,
        }
        self._read = {name: _size(file) for name, file in self._files.items()}

    def look(self, found: Findings) -> None:
        """Claim that no line since tells of something wrong."""
        for name, file in self._files.items():
            with file.open("rb") as log:
                log.seek(self._read[name] if _size(file) >= self._read[name] else 0)
                lines = log.read().decode(errors="replace").splitlines()
            wrong = [line for line in lines if any(word in line for word in _WRONG[name])]
            found.same(f"lines of {name} that tell of something wrong", wrong[:2], [])


def _size(file: Path) -> int:
    with suppress(FileNotFoundError):
        return file.stat().st_size
    return 0


SOAK = Drill(
    name="soak",
    must_hold="At half of what it can carry, for twenty minutes, every process keeps its memory "
    "and its lag, and nobody complains in any log.",
    run=run,
    kafka=True,
    fits=False,
    by_name=True,
)
