"""What measures stand on: a durable Postgres of their own, databases in it, and one large shop."""

import shutil
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Final, Self
from uuid import uuid4

import msgspec

from infra.dev import kafka_install
from infra.dev.kafka import EmbeddedKafka
from infra.dev.kafka_install import KafkaUnavailable
from infra.dev.postgres import EmbeddedPostgres
from infra.event_store import EventLog
from infra.keyring import Keyring
from infra.migrations import migrate
from infra.postgres import KEEPER, pool
from infra.sealing import PersonKeys
from infra.settings import Settings
from tests.bench.load import Publish, publish
from tests.bench.measure import Say
from tests.bench.million import Million
from tests.bench.shop import Shop
from tests.ports import free_port

YEAR: Final = 765_000
"""Events that come to a million facts."""


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How much is made. `quick`: the least that shows that it works; its figures mean nothing.

    `facts`: how far the log grows; below a million, also what the shop has that most measures
    share. `customers`: of the shop of a million. `orders`: that are imported late. `persons`:
    whose keys a new epoch wraps. `minutes`: of the load under which memory is watched.
    """

    quick: bool = False
    facts: int = 10_000_000
    customers: int = 1_000_000
    orders: int = 100_000
    persons: int = 50_000
    minutes: float = 20


class Ground:
    """Opened once a run, in a folder of its own that it removes.

    `kafka`: where one answers already; without it one is started when it is needed.
    """

    def __init__(
        self,
        folder: Path,
        sizes: Sizes,
        *,
        kafka: str | None = None,
        say: Say = lambda _what: None,
        warn: Say = lambda _what: None,
    ) -> None:
        self.folder = folder
        self.sizes = sizes
        self.quick = sizes.quick
        self.say = say
        self.warn = warn
        self.charts = folder / "charts"
        """Where measures draw; a run keeps what is here."""
        self._given_kafka = kafka
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

    def part(self, full: int, quick: int) -> int:
        """Return a size that goes with a shop of a million facts, or as many as were asked for."""
        less = int(full * min(1.0, self.sizes.facts / 1_000_000))
        return self.size(max(less, quick), quick)

    def settings(self, name: str, *, kafka: bool = False) -> Settings:
        """Return those of an installation of its own, in a database and a folder of its own."""
        return Settings(
            _env_file=None,
            log_url=self.database(),
            home=self.folder / name,
            keyring=self.folder / "keyring.json",  # one: ids are the same in every shop
            port=free_port(),
            kafka_bootstrap=self.kafka if kafka else None,
            kafka_topic_in=f"{name}.events.{uuid4().hex[:6]}",
            kafka_topic_facts=f"{name}.facts.{uuid4().hex[:6]}",
            kafka_topic_dead=f"{name}.dead.{uuid4().hex[:6]}",
        )

    @cached_property
    def kafka(self) -> str | None:
        """Where a real Apache Kafka answers; None, and said aloud, where there can be none."""
        if self._given_kafka or self.quick:
            return self._given_kafka
        self.say("starting Kafka")
        try:
            kafka_install.java()
            kafka_install.jars()
            broker = EmbeddedKafka(self.folder / "kafka")
            self._open.callback(broker.stop)
            return broker.start()
        except KafkaUnavailable as why:
            self.warn(f"Nothing is measured by Kafka: {why}")
            return None

    @cached_property
    def shop(self) -> Shop:
        """One shop of a million facts, which the measures of views and of HTTP share."""
        settings = self.settings("shop", kafka=True)
        shop = self._open.enter_context(
            Shop(settings, self.size(40_000, 100), self.say, small=self.quick)
        )
        shop.fill(self.part(YEAR, 2_000))
        return shop

    @cached_property
    def million(self) -> Million:
        """A shop with a million customers, all of them recipients of one campaign."""
        settings = self.settings("million")
        shop = self._open.enter_context(
            Million(settings, self.size(self.sizes.customers, 300), self.say, small=self.quick)
        )
        shop.fill()
        return shop

    def rest(self) -> None:
        """Stop the processes of the shops that are shared; who needs them starts them again."""
        for name in ("shop", "million"):
            if name in self.__dict__:  # it was made
                self.__dict__[name].running.stop()

    @contextmanager
    def another_shop(self, name: str, customers: int) -> Iterator[Shop]:
        """Open a shop with nothing in its log."""
        with Shop(self.settings(name), customers, self.say, small=self.quick) as shop:
            yield shop

    @contextmanager
    def another_process(self) -> Iterator[Executor]:
        """Open what does one thing after the other beside us; a thread where figures are none."""
        if self.quick:
            with ThreadPoolExecutor(1) as thread:
                yield thread
            return
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            process.submit(int).result()
            yield process

    @contextmanager
    def publisher(self) -> Iterator[Publish]:
        """Yield what publishes from another process."""
        with self.another_process() as another:
            yield lambda load: another.submit(publish, load)
