"""Everything on one machine: Postgres (embedded, unless a URL is given), server and workers."""

import fcntl
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog

from consumers.supervisor import Supervisor
from domain.shared.ids import Ids
from infra import logging
from infra.dev.postgres import EmbeddedPostgres
from infra.installation import same_installation
from infra.keyring import Keyring, KeyringLost
from infra.migrations import migrate
from infra.postgres import WRITER, connect
from infra.settings import Settings

_LOOK_SECONDS: Final = 1.0

log = structlog.get_logger()


class OneMachine:
    """Starts all parts in order, restarts what dies, and stops them in the opposite order.

    `more`: settings for the processes, beside those of this one.
    """

    def __init__(self, settings: Settings, more: Mapping[str, str] | None = None) -> None:
        self.settings = settings
        self.home = settings.home.absolute()
        self._more = dict(more or {})
        self._postgres: EmbeddedPostgres | None = None
        self._supervisor: Supervisor | None = None
        self._stop = threading.Event()
        self._watch = threading.Thread(target=self._keep_postgres, name="postgres", daemon=True)

    @property
    def url(self) -> str:
        return f"http://{self.settings.host}:{self.settings.port}"

    @property
    def log_file(self) -> Path:
        return self.home / "huike.log"

    def start(self) -> Settings:
        """Start everything; return the settings with the database's address filled in."""
        self.home.mkdir(parents=True, exist_ok=True)
        settings = self.settings
        if settings.log_url is None:
            self._postgres = EmbeddedPostgres(self.home / "postgres")
            self._postgres.start()
            settings = settings.model_copy(update={"log_url": self._postgres.database("huike")})
            self._watch.start()
        assert settings.log_url is not None
        keyring = Keyring.open(settings.keyring_file)
        migrate(settings.log_url)
        with closing(connect(settings.log_url, WRITER)) as connection:
            if not same_installation(connection, Ids(keyring.secret)):
                raise KeyringLost(str(KeyringLost.__doc__))
        self._supervisor = Supervisor(
            {name: [sys.executable, "-m", "huike", *rest] for name, rest in _parts(settings)},
            {"HUIKE_LOG_URL": settings.log_url, "HUIKE_HOME": str(self.home), **self._more},
            self.log_file,
        )
        self._supervisor.start()
        return settings

    def alive(self) -> bool:
        return self._supervisor is not None

    def _keep_postgres(self) -> None:
        assert self._postgres is not None
        while not self._stop.wait(_LOOK_SECONDS):
            if not self._postgres.running:
                log.warning("postgres.ended")
                self._postgres.start()

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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _parts(settings: Settings) -> list[tuple[str, list[str]]]:
    parts = [("server", ["serve"]), ("views", ["work", "views"])]
    if settings.kafka_bootstrap:
        parts += [("relay", ["work", "relay"]), ("shop", ["work", "shop"])]
    return parts


class HomeTaken(Exception):
    """Another Huike already runs on this home; stop it, or set HUIKE_HOME to another folder."""


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Hold the home for this process. Raises HomeTaken when another one has it."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeTaken(str(HomeTaken.__doc__)) from None
        yield


def run_until_stopped(settings: Settings, stop: threading.Event) -> None:
    """Run everything until `stop` is set; says where it is."""
    logging.configure(settings.log_level)
    with alone(settings), OneMachine(settings) as machine:
        machine.start()
        log.info("up", address=machine.url, logs=str(machine.log_file))
        stop.wait()
