"""What the routes stand on: opened once a process, closed with it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Annotated, Final, Self

from fastapi import Depends
from starlette.requests import Request

from api.queries.deps import Sources
from api.shares import Paces
from api.works import works_apart
from commands.application import Crm
from commands.shop import nobodys, nobodys_orders
from commands.shop.clear import Clear
from domain.shared.ids import Ids
from infra import clock
from infra.access_log import AccessLog
from infra.event_store import EventLog, LogReader
from infra.event_store.factory import LogFactory
from infra.event_store.search import FactSearch
from infra.followers import Followers
from infra.holders import keeper_pool
from infra.installation import mark_of
from infra.jobs import Jobs, Worker
from infra.keyring import Keyring
from infra.keys import Keys
from infra.metrics import Metrics
from infra.originals import Originals
from infra.postgres import READER, WRITER, Pool, pool
from infra.reading import Readers
from infra.refused import Refusals
from infra.sealing import PersonKeys
from infra.settings import Settings
from infra.upkeep import AllUpkeep
from infra.wire import Wires
from projections.catalogue import VIEWS
from projections.profile.queries import BY_ID

_VERSIONS: Final = "select view, version from huike.freshness order by view"


class NoDatabase(Exception):
    """HUIKE_LOG_URL names no Postgres, and none was started."""


class Services:
    """Everything that routes need, wired from the settings."""

    def __init__(self, settings: Settings) -> None:
        """Open pools and read the keyring. Raises NoDatabase, OSError, ValueError."""
        log_url, views_url = settings.log_url, settings.views_or_log_url
        if log_url is None or views_url is None:
            raise NoDatabase
        self.settings = settings
        self._open = ExitStack()
        self.writer = self._pool(log_url, WRITER)
        self.views = self._pool(views_url, READER)
        keyring = Keyring.open(settings.keyring_file, settings.vault)
        self.ids = Ids(keyring.secret)
        self.mark = mark_of(self.ids)
        keeper = self._open.enter_context(keeper_pool(log_url, keyring))
        self.sealer = PersonKeys(keeper, keyring)
        self.keys = Keys(self.writer)
        self.paces = Paces()
        self.metrics = Metrics()
        self.metrics.watch(Followers(self.writer, self.views, clock.now), AllUpkeep(self.writer))
        self.log = EventLog(
            log_url,
            self.sealer,
            watch=self.metrics.committed,
            nobodys=nobodys if settings.takes_as_nobodys else nobodys_orders,
        )
        self._open.callback(self.log.close)
        self.reader = LogReader(log_url, self.sealer)
        self._open.callback(self.reader.close)
        self.crm = Crm(LogFactory(self.log), self.log, self.ids, clock.now)
        self.search = FactSearch(self.writer, self.sealer)
        self.refused = Refusals(self.writer, self.sealer, self.ids)
        self.originals = Originals(self.writer, self.sealer)
        self.jobs = Jobs(self.writer)
        self.access = AccessLog(self.writer, self.sealer)
        self._open.callback(self.access.close)
        readers = Readers(views_url, READER)
        self._open.callback(readers.close)
        quick = Wires(views_url, READER, BY_ID.replace(b"%s", b"$1"))
        self._open.callback(quick.close)
        self.sources = Sources(
            exports=self._pool(views_url, READER),  # a slow reader of one holds up nobody else
            readers=readers,
            quick=quick,
            reader=self.reader,
            sealer=self.sealer,
            ids=self.ids,
            jobs=self.jobs,
            access=self.access,
            keys=self.keys,
            region=settings.region,
        )
        self._worker = Worker(log_url, self.jobs, works_apart(settings))

    def _pool(self, url: str, role: str) -> Pool:
        return self._open.enter_context(pool(url, role))

    @property
    def clear(self) -> Clear:
        """What this installation's shops keep in the clear, besides the standard lists."""
        return Clear(
            properties=frozenset(self.settings.clear_properties),
            traits=frozenset(self.settings.clear_traits),
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run what works in the background."""
        self._worker.start()
        try:
            yield
        finally:
            self._worker.stop()

    def checks(self) -> Mapping[str, Callable[[], object]]:
        """Return what must work before requests can be answered, by name."""
        return {"log": lambda: _ask(self.writer), "views": lambda: _ask(self.views)}

    def to_rebuild(self) -> Sequence[str]:
        """Return the views that are kept by other rules than this program's."""
        with self.views.connection(timeout=2) as connection:
            found = connection.execute(_VERSIONS).fetchall()
        return [view for view, version in found if view in VIEWS and VIEWS[view].version != version]

    def close(self) -> None:
        """Finish what was begun, and let go of the databases."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _ask(database: Pool) -> None:
    with database.connection(timeout=2) as connection:
        connection.execute("select 1")


async def _services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


TheServices = Annotated[Services, Depends(_services)]
