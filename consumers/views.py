"""The views' worker: follows the log, or Kafka where there is one, and keeps every view live."""

import ctypes
import gc
import os
import socket
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from time import monotonic
from typing import Final
from uuid import UUID, uuid4

import psycopg
import structlog
from kafka.errors import KafkaError

from consumers.kafka_feed import KafkaFeed
from consumers.keeper import Keeper
from consumers.leases import RENEW_SECONDS, Leases, present
from domain.shared.events import Fact
from domain.shared.log import Head
from infra.event_store import LogReader
from infra.holders import keeper_pool
from infra.keyring import Keyring
from infra.postgres import VIEWS, WRITER, Connection, connect, connect_impatient
from infra.sealing import PersonKeys
from infra.settings import Settings
from projections import catalogue
from projections.projection import View, slot_of
from projections.runtime import schema
from projections.runtime.batch import Goal, Grouped

BATCH: Final = 6_000
IDLE_SECONDS: Final = 0.5
"""How often the log is looked at when nobody notifies."""
HEALTHY_SECONDS: Final = 30.0
"""Who followed for so long is soon back when a server is lost."""
TICK_SECONDS: Final = 1.0
"""How often slots that have everything are told that time has passed."""
_M_ARENA_MAX: Final = -8
"""As glibc's `malloc.h` says."""

log = structlog.get_logger()


def run_views(
    settings: Settings,
    stop: threading.Event,
    views: Mapping[str, View] = catalogue.VIEWS,
) -> None:
    """Keep the views live until `stop` is set; begin again when a server is lost."""
    _share_what_is_freed()
    pause = 0.1
    while not stop.is_set():
        began = monotonic()
        try:
            with ExitStack() as stack:
                _follow(settings, stop, views, stack)
        except (psycopg.OperationalError, KafkaError) as error:
            if monotonic() - began > HEALTHY_SECONDS:
                pause = 0.1
            log.warning("views.lost", error=str(error), again_in=pause)
            stop.wait(pause)
            pause = min(pause * 2, 5.0)


def _share_what_is_freed() -> None:
    """Have threads share memory: each keeps what its largest batch needed otherwise."""
    with suppress(OSError, AttributeError):  # without glibc
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _follow(
    settings: Settings, stop: threading.Event, views: Mapping[str, View], stack: ExitStack
) -> None:
    log_url, views_url = settings.log_url, settings.views_or_log_url
    assert log_url is not None
    assert views_url is not None
    with connect(views_url) as admin:
        schema.install(admin)
    keyring = Keyring.open(settings.keyring_file, settings.vault)
    keys = stack.enter_context(keeper_pool(log_url, keyring, size=2))
    sealer = PersonKeys(keys, keyring)
    reader = LogReader(log_url, sealer, pool_size=1 + len(views))
    stack.callback(reader.close)
    connection = stack.enter_context(connect_impatient(views_url, VIEWS))
    schema.prepare(connection, views.values(), settings.slots)
    keepers = []
    for view in views.values():
        own = stack.enter_context(connect_impatient(views_url, VIEWS))
        own.execute("set synchronous_commit to off")  # what a crash loses is folded again
        keepers.append(Keeper(own, view, sealer, reader, settings.slots))
    gc.collect()
    gc.freeze()
    gc.set_threshold(500_000, 10, 100)
    name = f"{socket.gethostname()}/{os.getpid()}/{uuid4().hex[:8]}"
    if settings.kafka_bootstrap:
        stack.enter_context(present(views_url, name))
        KafkaFeed(settings, keepers, reader).run(stop)
        return
    listening = stack.enter_context(connect_impatient(log_url, WRITER))
    leases = Leases(connection, name, settings.slots)
    try:
        LogFeed(reader, keepers, leases, listening, settings.slots).run(stop)
    finally:
        if not connection.closed:
            leases.end()


class LogFeed:
    """Reads the log once for all views and all slots that this worker holds."""

    def __init__(
        self,
        reader: LogReader,
        keepers: list[Keeper],
        leases: Leases,
        listening: Connection,
        slots: int,
    ) -> None:
        self._reader = reader
        self._slots = slots
        self._held: set[int] = set()
        self._threads = ThreadPoolExecutor(len(keepers), "view")
        self._keepers = keepers
        self._leases = leases
        self._listening = listening
        self._renewed = 0.0
        self._ticked = 0.0

    def run(self, stop: threading.Event) -> None:
        """Go on until `stop` is set; a batch that was begun is finished."""
        self._listening.execute("listen huike_log")
        with self._threads:
            while not stop.is_set():
                busy = self.step()
                if sum(self._threads.map(Keeper.sweep, self._keepers)) or busy:
                    continue
                for _ in self._listening.notifies(timeout=IDLE_SECONDS, stop_after=1):
                    pass

    def step(self) -> bool:
        """Bring every group of slots one batch further; say whether there is more."""
        now = monotonic()
        if now - self._renewed > RENEW_SECONDS:
            self._held = self._leases.renew()
            self._renewed = now
            for keeper in self._keepers:
                keeper.hold(self._held)
        head = self._reader.head()
        for keeper in self._keepers:
            keeper.check(head.position)
        tick = now - self._ticked > TICK_SECONDS
        if tick:
            self._ticked = now
        busy = False
        before = None
        for after in sorted(self._positions(), reverse=True):
            if after < head.position:
                busy = self._read(after, before, head) or busy
            elif tick and after == head.position:
                self._apply_all(after, [], Goal(position=after, clock=head.clock))
            before = after
        return busy

    def _positions(self) -> set[int]:
        return {p.position for k in self._keepers for p in k.places().values()}

    def _read(self, after: int, before: int | None, head: Head) -> bool:
        """Read on from a position, at most to where the slots before are; say if there is more."""
        end = head.position if before is None else min(head.position, before)
        rows = [r for r in self._reader.raw(after, min(BATCH, end - after)) if r[0] <= end]
        if not rows:
            return False
        position, recorded_at = rows[-1][0], rows[-1][10]
        caught_up = position == head.position
        clock = head.clock if caught_up else recorded_at
        facts = Grouped(self._reader.facts_of([r for r in rows if self._is_mine(r[8])]))
        self._apply_all(after, facts, Goal(position=position, clock=clock))
        return not caught_up

    def _is_mine(self, subject: UUID | None) -> bool:
        return subject is None or slot_of(subject, self._slots) in self._held

    def _apply_all(self, after: int, facts: Sequence[Fact], goal: Goal) -> None:
        """Let every view fold, each over its own connection: one waits while another folds."""

        def apply(keeper: Keeper) -> None:
            slots = [s for s, p in keeper.places().items() if p.position == after]
            if slots:
                keeper.apply(facts, dict.fromkeys(slots, goal))

        for _ in self._threads.map(apply, self._keepers):
            pass
