"""Everything on one machine: Postgres (embedded, unless a URL is given), server and workers."""

import fcntl
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import httpx2
import structlog

from consumers.supervisor import LogFile, Supervisor
from infra import logging
from infra.dev import ServerUnavailable
from infra.dev.postgres import EmbeddedPostgres
from infra.installation import prepare
from infra.kafka import make_topics
from infra.listening import listen
from infra.settings import Settings

_LOOK_SECONDS: Final = 0.5
_READY_SECONDS: Final = 120.0
_PORT_SECONDS: Final = 5.0
"""How long a server may take to end whose supervisor was killed a moment ago."""

log = structlog.get_logger()


class HomeTaken(Exception):
    """Another Huike runs on {home}; stop it, or set HUIKE_HOME to another folder."""


class NotReady(Exception):
    """Huike does not answer at {url}; {log_file} says why."""


class OneMachine:
    """Starts all parts in order, restarts what dies, and stops them in the opposite order.

    `more`: settings for the processes, beside those of this one.
    """

    def __init__(self, settings: Settings, more: Mapping[str, str] | None = None) -> None:
        self.settings = settings.model_copy(update={"home": settings.home.absolute()})
        self._more = dict(more or {})
        self._postgres: EmbeddedPostgres | None = None
        self._supervisor: Supervisor | None = None
        self._stop = threading.Event()
        self._watch = threading.Thread(target=self._keep_postgres, name="postgres", daemon=True)

    @property
    def url(self) -> str:
        return self.settings.local_url

    @property
    def log_file(self) -> Path:
        return self.settings.home / "huike.log"

    @property
    def pids(self) -> dict[str, int]:
        return {} if self._supervisor is None else self._supervisor.pids

    def start(self) -> Settings:
        """Start everything; return the settings with the database's address filled in.

        Raises CannotListen, KeyringLost, ServerUnavailable, psycopg.Error, KafkaError, OSError.
        """
        settings = self.settings
        settings.home.mkdir(parents=True, exist_ok=True)
        listen(settings.host, settings.port, patience=_PORT_SECONDS).close()  # before all the rest
        if settings.log_url is None:
            self._postgres = EmbeddedPostgres(settings.home / "postgres")
            self._postgres.start()
            settings = settings.model_copy(update={"log_url": self._postgres.database("huike")})
            self._watch.start()
        assert settings.log_url is not None
        prepare(settings.log_url, settings.keyring_file, settings.vault)
        if settings.kafka_bootstrap is not None:
            make_topics(settings)
        self._supervisor = Supervisor(
            {name: [sys.executable, "-m", "huike", *rest] for name, rest in _parts(settings)},
            {**settings.environment, **self._more},
            LogFile(self.log_file),
        )
        self._supervisor.start()
        return settings

    def wait_until_ready(self, stop: threading.Event) -> bool:
        """Wait for the server to answer; False when `stop` is set before. Raises NotReady."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            try:
                if httpx2.get(f"{self.url}/ready", timeout=5).status_code == httpx2.codes.OK:
                    return True
            except httpx2.TransportError:
                pass
            if stop.wait(0.1):
                return False
        why = str(NotReady.__doc__).format(url=self.url, log_file=self.log_file)
        raise NotReady(why)

    def _keep_postgres(self) -> None:
        assert self._postgres is not None
        while not self._stop.wait(_LOOK_SECONDS):
            if not self._postgres.running:
                log.warning("postgres.ended")
                try:
                    self._postgres.start()
                except (ServerUnavailable, OSError) as error:
                    log.warning("postgres.not-started", error=str(error))
                else:
                    log.info("postgres.started")

    def stop(self) -> None:
        """Let every process finish what it began, then stop Postgres."""
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor = None
        self._stop.set()
        if self._watch.is_alive():
            self._watch.join()
        if self._postgres is not None:
            self._postgres.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _parts(settings: Settings) -> list[tuple[str, list[str]]]:
    """Return the processes in the order of their start: what requests wait for comes first."""
    workers = ["views", *(f"views {n}" for n in range(2, settings.workers_of_views + 1))]
    parts = [(name, ["work", "views"]) for name in workers]
    if settings.kafka_bootstrap:
        parts += [("relay", ["work", "relay"]), ("shop", ["work", "shop"])]
    return [*parts, ("server", ["serve"])]


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Hold the home for this process. Raises HomeTaken when another one has it, OSError."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            home = settings.home.absolute()
            raise HomeTaken(str(HomeTaken.__doc__).format(home=home)) from None
        yield


def run_until_stopped(settings: Settings, stop: threading.Event) -> None:
    """Run everything until `stop` is set; says where it is. Raises NotReady, and as `start`."""
    logging.configure(settings.log_level)
    with alone(settings), OneMachine(settings) as machine:
        log.info("starting", home=str(machine.settings.home), logs=str(machine.log_file))
        machine.start()
        if machine.wait_until_ready(stop):
            log.info("up", address=machine.url)
        stop.wait()
        log.info("stopping")
    log.info("stopped")
