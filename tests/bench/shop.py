"""A shop with a long past in its log: views that can be rebuilt, and processes that serve it."""

import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from multiprocessing import get_context
from typing import Final, Self
from uuid import UUID

import msgspec

from commands.application import Crm
from commands.campaign import AssignRecipients, DraftCampaign, LaunchCampaign
from commands.shop import Door, Sent, translate
from consumers.rebuild import rebuild_view
from domain.shared.channel import Channel
from domain.shared.ids import Ids
from domain.shared.log import Actor, Append, Draft
from infra import clock
from infra.event_store import EventLog
from infra.event_store.factory import LogFactory
from infra.keyring import Keyring
from infra.keys import Keys
from infra.migrations import migrate
from infra.postgres import KEEPER, READER, WRITER, Connection, connect, pool
from infra.sealing import PersonKeys
from infra.settings import Settings
from projections import catalogue
from projections.runtime.rebuild import Compared
from tests.bench import story
from tests.bench.measure import Say
from tests.bench.processes import Process

NAME: Final = "shop"
SOURCE: Final = "site"
ACTOR: Final = Actor("key", "bench")
YEAR: Final = timedelta(days=365)
RECIPIENTS: Final = 5_000
PROCESSES: Final = 2
"""That fill the log, and that a rebuild uses."""

_TOGETHER: Final = 40

_encode: Final = msgspec.json.Encoder().encode


class Shop:
    """One installation: its log, its views, and once it is asked for, its processes."""

    def __init__(self, settings: Settings, customers: int, say: Say) -> None:
        assert settings.log_url is not None
        self.settings = settings
        self.url = settings.log_url
        self.customers = customers
        self._say = say
        self.processes: dict[str, Process] = {}
        """Server and worker, once they run."""
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self.settings.home.mkdir(parents=True)
        migrate(self.url)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @cached_property
    def ids(self) -> Ids:
        return Ids(Keyring.open(self.settings.keyring_file).secret)

    def customer(self, number: int) -> UUID:
        return self.ids.user(NAME, f"c{number % self.customers}")

    # ---- its past

    def fill(self, events: int) -> None:
        """Put a year's events into the log, quicker than through its doors, and one campaign."""
        self._say(f"a shop's year: {events:,} events into the log")
        self._assign()
        spawned = get_context("spawn")
        ending = clock.now()
        with ProcessPoolExecutor(PROCESSES, mp_context=spawned) as workers:
            parts = [
                workers.submit(
                    _fill, self.settings, f"year-{n}", events // PROCESSES, self.customers, ending
                )
                for n in range(PROCESSES)
            ]
            for part in parts:
                part.result()
        with self.connect(None) as admin:
            admin.execute("vacuum analyze")

    def _assign(self) -> None:
        with _log(self.settings) as log:
            crm = Crm(LogFactory(log), log, self.ids, clock.now)
            campaign = self.ids.campaign(NAME, "spring")
            recipients = tuple(self.customer(n) for n in range(min(RECIPIENTS, self.customers)))
            for command in (
                DraftCampaign(code="spring", name="Spring", channel=Channel.EMAIL),
                LaunchCampaign(campaign=campaign, control_share=Decimal("0.2"), seed=7),
                AssignRecipients(campaign=campaign, recipients=recipients, anchor=clock.now()),
            ):
                crm.dispatch(command, actor=ACTOR, shop=NAME, source=SOURCE)

    def some_customers(self, count: int) -> list[UUID]:
        """Return some of whom there is a profile, picked blindly."""
        with self.connect() as connection:
            found = connection.execute("select customer from huike.profile").fetchall()
        return random.choices([customer for (customer,) in found], k=count)  # noqa: S311  # no secret

    @property
    def head(self) -> int:
        with self.connect(WRITER) as connection:
            row = connection.execute("select coalesce(max(position), 0) from log.batch").fetchone()
        assert row is not None
        return int(row[0])

    # ---- its views

    def rebuild(self, view: str, *, serve: bool) -> float:
        """Rebuild a view; return how many seconds passed until its rows and indexes were there."""
        done = 0.0

        def decide(_compared: Compared) -> bool:
            nonlocal done
            done = time.perf_counter()
            return serve

        began = time.perf_counter()
        rebuild_view(self.settings, catalogue.VIEWS[view], processes=PROCESSES, decide=decide)
        return done - began

    @cached_property
    def served(self) -> frozenset[str]:
        """The views that hold the past; asking for it makes them."""
        for view in catalogue.VIEWS:
            if self.behind(view):
                self._say(f"the shop's {view}")
                self.rebuild(view, serve=True)
        return frozenset(catalogue.VIEWS)

    def behind(self, view: str) -> bool:
        with self.connect(None) as connection:
            installed = connection.execute("select to_regclass('views.active')").fetchone()
            return installed == (None,) or self.visible(connection, (view,)) == 0

    @staticmethod
    def visible(connection: Connection, views: tuple[str, ...] = tuple(catalogue.VIEWS)) -> int:
        """Return the position up to which all of these views show everything."""
        row = connection.execute(
            "select coalesce(min(position), 0), count(distinct view) "
            "from views.active join views.checkpoint using (view, version, generation) "
            "where view = any(%s)",
            (list(views),),
        ).fetchone()
        assert row is not None
        return int(row[0]) if row[1] == len(views) else 0

    # ---- its processes

    @cached_property
    def address(self) -> str:
        """Where the running server answers; asking for it starts server and workers."""
        assert self.served
        self._say("starting the server and the worker")
        server, worker = self._process("serve"), self._process("work", "views")
        self.processes = {
            "server": self._open.enter_context(server),
            "worker": self._open.enter_context(worker),
        }
        server.answers(self.settings.port, "/ready")
        return f"http://127.0.0.1:{self.settings.port}"

    def _process(self, *command: str) -> Process:
        settings = {
            "HUIKE_LOG_URL": self.url,
            "HUIKE_HOME": str(self.settings.home),
            "HUIKE_PORT": str(self.settings.port),
            "HUIKE_LOG_LEVEL": "warning",
            "HUIKE_SETTINGS": os.devnull,
        }
        output = self.settings.home / "output"
        return Process("huike", *command, environment=settings, output=output)

    @cached_property
    def key(self) -> str:
        """A key that may publish and ask."""
        with pool(self.url, WRITER, size=1) as writer:
            return Keys(writer).add("bench", ["ingest", "query"], shop=NAME, source=SOURCE)[1]

    @contextmanager
    def connect(self, role: str | None = READER) -> Iterator[Connection]:
        with closing(connect(self.url, role)) as connection:
            yield connection


@contextmanager
def _log(settings: Settings) -> Iterator[EventLog]:
    assert settings.log_url is not None
    with (
        pool(settings.log_url, KEEPER, size=2) as keys,
        closing(
            EventLog(settings.log_url, PersonKeys(keys, Keyring.open(settings.keyring_file)))
        ) as log,
    ):
        yield log


def _fill(settings: Settings, seed: str, events: int, customers: int, ending: datetime) -> None:
    """Translate a part of the year and append it, many messages' facts at once."""
    ids = Ids(Keyring.open(settings.keyring_file).secret)
    door = Door(shop=NAME, source=SOURCE, actor=ACTOR, received_at=ending)
    told = story.messages(events, customers=customers, seed=seed, ending=ending, lasting=YEAR)
    with _log(settings) as log:
        drafts: list[Draft] = []
        futures = []
        for number, message in enumerate(told, 1):
            sent = Sent(raw=_encode(message), message_id=message["messageId"])
            drafts += translate(sent, door, ids).facts
            if number % _TOGETHER == 0 or number == events:
                append = Append(facts=tuple(drafts), actor=ACTOR, shop=NAME, source=SOURCE)
                futures.append(log.submit(append))
                drafts.clear()
                if len(futures) % 200 == 0:
                    futures[-100].result()
        for future in futures:
            future.result()
