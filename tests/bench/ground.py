"""What measures stand on: a durable Postgres of their own, databases in it, and one large shop."""

import shutil
import socket
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Self
from uuid import uuid4

from infra.dev.postgres import EmbeddedPostgres
from infra.event_store import EventLog
from infra.keyring import Keyring
from infra.migrations import migrate
from infra.postgres import KEEPER, pool
from infra.sealing import PersonKeys
from infra.settings import Settings
from tests.bench.measure import Say
from tests.bench.shop import Shop


class Ground:
    """Opened once a run, in a folder of its own that it removes.

    `quick`: everything in its smallest form, which tells nothing but that it works.
    """

    def __init__(self, folder: Path, *, quick: bool, say: Say = lambda _what: None) -> None:
        self.folder = folder
        self.quick = quick
        self.say = say
        self._open = ExitStack()
        self._postgres = EmbeddedPostgres(folder / "postgres")

    def __enter__(self) -> Self:
        self._clear()
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o711)  # as root, Postgres is another user
        self.say("starting Postgres")
        self._postgres.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._clear()

    def _clear(self) -> None:
        """Also after a run that was killed."""
        self._postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def database(self, *, migrated: bool = True) -> str:
        """Make a database; return its url."""
        url = self._postgres.database(f"bench_{uuid4().hex[:12]}")
        if migrated:
            migrate(url)
        return url

    def log(self, url: str, stack: ExitStack) -> EventLog:
        """Open the log of a database, as a server does."""
        keys = stack.enter_context(pool(url, KEEPER))
        keyring = Keyring.open(self.folder / "keyring.json")
        log = EventLog(url, PersonKeys(keys, keyring))
        stack.callback(log.close)
        return log

    @cached_property
    def shop(self) -> Shop:
        """One large shop, which the measures of views and of HTTP share."""
        settings = Settings(
            _env_file=None,
            log_url=self.database(),
            home=self.folder / "shop",
            port=unused_port(),
        )
        shop = self._open.enter_context(Shop(settings, self.size(40_000, 100), self.say))
        shop.fill(self.size(560_000, 2_000))
        return shop


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
