"""kill -9 of any process, at any moment, under load."""

import os
import random
import time
from contextlib import suppress
from statistics import median

import psutil

from infra.settings import Settings
from tests.cli.running import Installation, Running, await_that, gone
from tests.drills.drill import Drill, Findings
from tests.drills.ground import Ground, settings_of
from tests.drills.kafka_lost import publish
from tests.drills.load import Load
from tests.drills.looking import followed, head, look, recorded

BOUND_SECONDS = 15.0
BY_KAFKA = 20
"""Events that are published after each kill."""
_WAIT_SECONDS = 90.0
_PARTS = {"serve": "server", "views": "views' worker", "relay": "relay", "shop": "shop's worker"}


def run(ground: Ground, found: Findings) -> None:
    """Kill by the log alone, then with Kafka between."""
    kills = ground.of(long=25, short=4)
    chance = random.Random(4)  # noqa: S311  # whom to kill, not a secret
    _kill(ground, ground.installation("log"), kills, chance, found)
    if not ground.short:
        settings = ground.with_kafka(ground.kafka())
        _kill(ground, ground.installation("by-kafka", **settings), kills, chance, found)


def _kill(
    ground: Ground, installation: Installation, kills: int, chance: random.Random, found: Findings
) -> None:
    killed: list[str] = []
    took: list[tuple[float, str]] = []
    by_kafka: set[str] = set()
    with installation.up() as supervisor:
        settings = settings_of(installation)
        with Load(installation.url, installation.key("ingest"), pause=ground.pause) as load:
            for _ in range(kills):
                time.sleep(chance.uniform(0.2, 1.5))
                killed.append(_kill_one(supervisor, chance))
                seconds = _until_followed(installation, settings)
                busy = f"{killed[-1]}, {os.getloadavg()[0]:.0f} processes wanted a core"
                took.append((seconds, busy))
                if settings.kafka_bootstrap is not None:
                    by_kafka |= publish(settings, f"by-kafka-{len(took)}", BY_KAFKA)
            await_that(lambda: recorded(settings, by_kafka) == len(by_kafka), installation.told)
        found.note(f"{kills} kills under load: {', '.join(_counted(killed))}")
        slowest, which = max(took)
        usual = median(seconds for seconds, _ in took)
        found.note(
            "until every slot had what was recorded after the kill: "
            f"{usual:.1f} s in the middle, {slowest:.1f} s at most ({which})"
        )
        if not ground.short:
            found.claim(
                f"every slot is followed again within {BOUND_SECONDS:.0f} s",
                held=slowest <= BOUND_SECONDS,
                found=f"{slowest:.1f} s",
            )
        load.accepted |= by_kafka
        look(found, settings, [load])


def _kill_one(supervisor: Running, chance: random.Random) -> str:
    """Kill one of the supervisor's processes; return which part it was."""
    children = [(c, part) for c in psutil.Process(supervisor.pid).children() if (part := _part(c))]
    child, part = chance.choice(children)
    child.kill()
    await_that(lambda: gone(child.pid))
    return part


def _part(process: psutil.Process) -> str | None:
    with suppress(psutil.Error):
        return next((told for word, told in _PARTS.items() if word in process.cmdline()), None)
    return None


def _until_followed(installation: Installation, settings: Settings) -> float:
    """Wait until something recorded from now on is in every slot; return how long it took."""
    began = time.monotonic()
    last = head(settings)
    await_that(lambda: head(settings) > last, installation.told, _WAIT_SECONDS)
    last = head(settings)
    await_that(lambda: followed(settings) >= last, installation.told, _WAIT_SECONDS)
    return time.monotonic() - began


def _counted(words: list[str]) -> list[str]:
    return [f"{words.count(word)} × {word}" for word in sorted(set(words))]


KILL = Drill(
    name="kill",
    must_hold="After kill -9 of a random process under load, every accepted event is once in the "
    "log and in the views, and every slot is followed again within 15 s.",
    run=run,
)
