"""Rebuilding each view from the log, against reading and decoding the same facts alone."""

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from threading import Event, Thread
from typing import Final

import psutil

from consumers.rebuild import tools
from infra.settings import Settings
from projections import catalogue
from tests.bench.ground import Ground
from tests.bench.measure import Figure, Goal, Measure, Side, at_most, in_turn
from tests.bench.shop import PROCESSES

ROUNDS: Final = 2

_MEGABYTE: Final = 1_000_000


def run(ground: Ground) -> list[Figure]:
    shop = ground.shop
    facts = shop.head
    rounds = ground.size(ROUNDS, 1)
    with peak_memory() as peaks:
        read, *rebuilt = in_turn(
            partial(_read, ground),
            *(partial(_rebuild, ground, view, rounds) for view in catalogue.VIEWS),
            rounds=rounds,
        )
    figures = [
        Figure(
            name=f"rebuild-{view}",
            about=f"{view} rebuilt from {facts:,} facts by {PROCESSES} processes",
            unit="facts/s",
            ours=ours,
            against=read,
            other="reading, decoding and opening them, by as many processes",
            goals=(Goal("ratio", "at least", 0.5), Goal("ours", "at least", 100_000)),
        )
        for view, ours in zip(catalogue.VIEWS, rebuilt, strict=True)
    ]
    memory = Figure(
        name="rebuild-memory",
        about=f"most that a process which rebuilds from {facts:,} facts took",
        unit="MB",
        ours=Side((max(peaks),)),
        goals=at_most(300),
    )
    return [*figures, memory]


def _rebuild(ground: Ground, view: str, last: int, number: int) -> float:
    """Return facts a second; what the last round makes is served from then on."""
    ground.say(f"rebuilding {view}, {number} of {last}")
    return ground.shop.head / ground.shop.rebuild(view, serve=number == last)


def _read(ground: Ground, number: int) -> float:
    """Return facts a second of which every one is read and decoded, by as many processes."""
    ground.say(f"reading, {number}")
    shop = ground.shop
    began = time.perf_counter()
    upto, slots = shop.head, shop.settings.slots
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as workers:
        parts = [
            workers.submit(_scan, shop.settings, tuple(range(n, slots, PROCESSES)), upto)
            for n in range(PROCESSES)
        ]
        assert sum(part.result() for part in parts) >= upto
    return upto / (time.perf_counter() - began)


def _scan(settings: Settings, slots: tuple[int, ...], upto: int) -> int:
    with tools(settings) as use:
        return sum(len(chunk) for chunk in use.reader.scan(slots, settings.slots, upto=upto))


@contextmanager
def peak_memory() -> Iterator[list[float]]:
    """Watch this process's children; yield a list whose last value is the most that one took."""
    peaks = [0.0]
    done = Event()

    def watch() -> None:
        while not done.wait(0.25):
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    if "python" in child.name():
                        peaks.append(child.memory_info().rss / _MEGABYTE)

    thread = Thread(target=watch)
    thread.start()
    try:
        yield peaks
    finally:
        done.set()
        thread.join()


MEASURE: Final = Measure(
    "rebuild", "every view rebuilt from the log, against reading the same facts", run, 3
)
