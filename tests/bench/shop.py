"""A shop with a long past in its log: views that can be rebuilt, and processes that serve it."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from multiprocessing import get_context
from typing import Any, Final, Self
from uuid import UUID

import psycopg

from commands.application import Crm
from commands.campaign import AssignRecipients, DraftCampaign, LaunchCampaign
from commands.work import Command
from consumers.rebuild import rebuild_view
from domain.shared.channel import Channel
from domain.shared.ids import Ids
from infra import clock
from infra.event_store.factory import LogFactory
from infra.keyring import Keyring
from infra.migrations import migrate
from infra.postgres import READER, WRITER, Connection, connect
from infra.settings import Settings
from projections import catalogue
from projections.runtime.compare import Compared
from tests.bench.measure import Say
from tests.bench.past import ACTOR, NAME, SOURCE, Past, fill, log_of
from tests.bench.running import Feed, Running
from tests.keys import make_key

YEAR: Final = timedelta(days=365)
RECIPIENTS: Final = 5_000
PROCESSES: Final = 2
"""That fill the log, and that a rebuild uses."""

_LOOK_SECONDS: Final = 0.01
_PATIENCE: Final = 120.0


class NotVisible(Exception):
    """The views stand still before the log's end; the log of the worker says why."""


class Shop:
    """One installation: its log, its views, and once it is asked for, its processes."""

    def __init__(
        self, settings: Settings, customers: int, say: Say, *, small: bool = False
    ) -> None:
        """`small`: no process of its own is worth its start to fill or rebuild it."""
        assert settings.log_url is not None
        self.settings = settings
        self.url = settings.log_url
        self.customers = customers
        self._say = say
        self._small = small
        self.running = Running(settings, say)

    def __enter__(self) -> Self:
        self.settings.home.mkdir(parents=True)
        migrate(self.url)
        return self

    def __exit__(self, *_: object) -> None:
        self.running.stop()

    @cached_property
    def ids(self) -> Ids:
        return Ids(Keyring.open(self.settings.keyring_file).secret)

    def customer(self, number: int) -> UUID:
        return self.ids.user(NAME, f"c{number % self.customers}")

    # ---- its past

    def fill(self, events: int) -> None:
        """Put a year's events into the log, quicker than through its doors, and one campaign."""
        self._say(f"a shop's year: {events:,} events into the log")
        recipients = tuple(self.customer(n) for n in range(min(RECIPIENTS, self.customers)))
        self.do(
            *self.launching(),
            AssignRecipients(campaign=self.campaign, recipients=recipients, anchor=clock.now()),
        )
        self.happens(events, ending=clock.now(), lasting=YEAR)

    def happens(self, events: int, *, ending: datetime, lasting: timedelta) -> None:
        """Put what customers did in some time into the log."""
        parts = [
            Past(
                seed=f"past-{lasting.days}-{n}",
                events=events // PROCESSES,
                customers=self.customers,
                ending=ending,
                lasting=lasting,
            )
            for n in range(PROCESSES)
        ]
        self.in_parts(fill, [(part,) for part in parts])

    def in_parts(self, fill: Callable[..., None], parts: Sequence[tuple[Any, ...]]) -> None:
        """Fill the log in parts, each in a process of its own."""
        if self._small:
            for part in parts:
                fill(self.settings, *part)
            return
        with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as workers:
            for under_way in [workers.submit(fill, self.settings, *part) for part in parts]:
                under_way.result()
        with self.connect(None) as admin:
            admin.execute("vacuum analyze")

    def do(self, *asked: Command) -> None:
        """Have commands done, one after the other."""
        with log_of(self.settings) as log:
            crm = Crm(LogFactory(log), log, self.ids, clock.now)
            for command in asked:
                crm.dispatch(command, actor=ACTOR, shop=NAME, source=SOURCE)

    @property
    def campaign(self) -> UUID:
        return self.ids.campaign(NAME, "spring")

    def launching(self) -> tuple[Command, ...]:
        return (
            DraftCampaign(code="spring", name="Spring", channel=Channel.EMAIL),
            LaunchCampaign(campaign=self.campaign, control_share=Decimal("0.2"), seed=7),
        )

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
        if self._small:
            self.running.follow("log")
            self.reach(self.head)
        for view in catalogue.VIEWS:
            if self.behind(view):
                self._say(f"the shop's {view}")
                self.rebuild(view, serve=True)
        return frozenset(catalogue.VIEWS)

    def behind(self, view: str) -> bool:
        with self.connect(None) as connection:
            installed = connection.execute("select to_regclass('views.active')").fetchone()
            return installed == (None,) or visible(connection, (view,)) == 0

    # ---- its processes

    @property
    def address(self) -> str:
        """Where the running server answers."""
        assert self.served
        return self.running.serve()

    def follow(self, feed: Feed) -> None:
        """Have the views followed by one feed alone, and wait until it shows all there is."""
        assert self.address
        if feed == "kafka":
            self._relayed()
        self.running.follow(feed)
        self.reach(self.head)

    def _relayed(self) -> None:
        """Let the relay begin at the log's end: the past is in the views."""
        slots = self.settings.slots
        with self.connect(WRITER) as connection:
            connection.execute(
                "insert into log.relay (position, previous) values (%s, %s) on conflict do nothing",
                (self.head, [self.head] * slots),
            )

    def reach(self, position: int) -> float:
        """Wait until every view shows the log up to a position; return `time.monotonic` then."""
        return wait_for(self.url, position)

    @cached_property
    def key(self) -> str:
        """A key that may publish, ask and command."""
        scopes = ("ingest", "query", "command")
        return make_key(self.url, "bench", *scopes, shop=NAME, source=SOURCE)[1]

    @contextmanager
    def connect(self, role: str | None = READER) -> Iterator[Connection]:
        with closing(connect(self.url, role)) as connection:
            yield connection


def visible(connection: Connection, views: Sequence[str]) -> int:
    """Return the position up to which all of these views show everything."""
    row = connection.execute(
        "select coalesce(min(position), 0), count(distinct view) "
        "from views.active join views.checkpoint using (view, version, generation) "
        "where view = any(%s)",
        (list(views),),
    ).fetchone()
    assert row is not None
    return int(row[0]) if row[1] == len(views) else 0


def wait_for(url: str, position: int, views: Sequence[str] = tuple(catalogue.VIEWS)) -> float:
    """Wait until these views show the log up to a position; return `time.monotonic` then.

    Raises NotVisible when they stand still.
    """
    with closing(connect(url)) as connection:
        seen, since = -1, time.monotonic()
        while True:
            shown = 0
            with suppress(psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
                shown = visible(connection, views)
            now = time.monotonic()
            if shown >= position:
                return now
            if shown > seen:
                seen, since = shown, now
            if now - since > _PATIENCE:
                raise NotVisible(str(NotVisible.__doc__))
            time.sleep(_LOOK_SECONDS)
