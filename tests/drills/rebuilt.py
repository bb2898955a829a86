"""Each view is rebuilt under load: aborted, started twice, spoilt, swapped."""

import subprocess
import threading
from contextlib import closing
from typing import Self

import psutil
from psycopg import sql

from domain.shared.ids import Ids
from infra.keyring import Keyring
from infra.postgres import READER, connect
from infra.settings import Settings
from projections.catalogue import VIEWS
from tests.cli.running import Installation, await_that, track
from tests.drills.asking import Asking
from tests.drills.drill import Drill, Findings
from tests.drills.ground import Ground, settings_of
from tests.drills.load import Load
from tests.drills.looking import look, settle

ADA = "/api/customers/by/user/ada"
BOB = [
    {"type": "identify", "userId": "bob", "messageId": "bob-1", "traits": {"plan": "gold"}},
    {
        "type": "track",
        "event": "Order Completed",
        "userId": "bob",
        "messageId": "bob-2",
        "properties": {"order_id": "bob-1", "total": 7, "currency": "USD"},
    },
]
"""All that ever happens to the one whose rows are spoilt."""
TABLES = {
    "profile": "profile",
    "timeline": "timeline",
    "lifecycle": "lifecycle",
    "conversion": "conversion_customer",
}
_SECONDS = 300.0
_PAUSE_SECONDS = 0.1


def run(ground: Ground, found: Findings) -> None:
    """Ask the whole time about a customer whom every view knows and nothing happens to."""
    views = ["profile"] if ground.short else list(VIEWS)
    installation = ground.installation()
    with installation.up():
        settings = settings_of(installation)
        client = installation.client(installation.key("ingest", "query"))
        with client, Load(installation.url, installation.key("ingest"), pause=0.1) as load:
            client.post("/v1/track", json=track(1, "ada")).raise_for_status()
            client.post("/v1/batch", json={"batch": BOB}).raise_for_status()
            load.accepted |= {"message-1", "bob-1", "bob-2"}
            load.orders += 1
            load.paid += 7
            events = ground.of(long=12_000, short=1_500)
            await_that(lambda: len(load.accepted) >= events, installation.told, _SECONDS)
            with Asking(client, ADA) as asking, _Counting(settings) as counting:
                for view in views:
                    _abort(found, installation, settings, view)
                    _spoil(found, installation, settings, view)
                _twice(found, installation, views[0])
            asking.look(found, {"200"})
            counting.look(found)
        look(found, settings, [load])


def _abort(found: Findings, installation: Installation, settings: Settings, view: str) -> None:
    """Kill a rebuild half-way: what it leaves is cleaned by the next."""
    served = _served(settings)[view]
    rebuild = _start(installation, view)
    await_that(lambda: len(_schemas(settings, view)) > 1 or rebuild.poll() is not None)
    parts = psutil.Process(rebuild.pid).children(recursive=True)
    with rebuild:  # closes its pipes
        rebuild.kill()
    _, left = psutil.wait_procs(parts, timeout=60)
    found.same(f"{view}: processes that a killed rebuild left behind", len(left), 0)
    for process in left:
        process.kill()
    found.same(f"{view}: served after a rebuild that was killed", _served(settings)[view], served)


def _spoil(found: Findings, installation: Installation, settings: Settings, view: str) -> None:
    """Lose a customer: the difference is shown first; without a word nothing is swapped."""
    settle(settings)
    served = _served(settings)[view]
    bob = Ids(Keyring.open(settings.keyring_file).secret).user("shop", "bob")
    names = sql.Identifier(served, TABLES[view])
    with closing(connect(settings.log_url or "")) as owner:
        lost = owner.execute(sql.SQL("delete from {} where customer = %s").format(names), (bob,))
    found.note(f"{view}: {lost.rowcount} rows of a customer were deleted by hand")
    process = _start(installation, view, yes=False)
    told = process.communicate(timeout=_SECONDS)[1].decode()
    found.claim(
        f"{view}: the differences are shown, and without a word nothing is swapped",
        held="differ" in told and process.returncode == 1,
        found=[line.strip() for line in told.splitlines() if "differ" in line],
    )
    found.same(f"{view}: schemas after it was left", _schemas(settings, view), [served])
    _start(installation, view).communicate(timeout=_SECONDS)
    now = _served(settings)[view]
    found.claim(f"{view}: with --yes another generation is served", held=now != served, found=now)
    found.same(f"{view}: schemas after the swap", _schemas(settings, view), [now])


def _twice(found: Findings, installation: Installation, view: str) -> None:
    both = [_start(installation, view) for _ in range(2)]
    told = [process.communicate(timeout=_SECONDS)[1].decode() for process in both]
    statuses = sorted(process.returncode for process in both)
    found.same("exit statuses of two rebuilds at once", statuses, [0, 1])
    found.claim(
        "the second one says that another is going on",
        held=any("Another rebuild is going on" in each for each in told),
    )


def _start(installation: Installation, view: str, *, yes: bool = True) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        installation.command("rebuild", view, *(["--yes"] if yes else [])),
        cwd=installation.folder,
        env={**installation.environment, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _served(settings: Settings) -> dict[str, str]:
    with closing(connect(settings.log_url or "")) as connection:
        return dict(connection.execute("select view, schema from views.active").fetchall())


def _schemas(settings: Settings, view: str) -> list[str]:
    """Return the schemas that there are of a view, served or not."""
    with closing(connect(settings.log_url or "")) as connection:
        rows = connection.execute(
            "select nspname from pg_namespace where nspname ~ %s order by 1", (f"^{view}_v",)
        ).fetchall()
    return [row[0] for row in rows]


class _Counting:
    """Counts each view's rows the whole time: under this load they only ever grow."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._count)
        self.counts = 0
        self.shrunk: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _count(self) -> None:
        most = dict.fromkeys(TABLES.values(), 0)
        with closing(connect(self._settings.log_url or "", READER)) as connection:
            while not self._stop.wait(_PAUSE_SECONDS):
                for table in most:
                    count = sql.SQL("select count(*) from huike.{}").format(sql.Identifier(table))
                    rows: int = (connection.execute(count).fetchone() or (0,))[0]
                    self.counts += 1
                    if rows < most[table] - _BOBS:
                        self.shrunk.append(f"{table}: {rows} after {most[table]}")
                    most[table] = max(most[table], rows)

    def look(self, found: Findings) -> None:
        found.note(f"rows were counted {self.counts:,} times")
        found.same("times that a view was seen with fewer rows than before", self.shrunk[:3], [])


_BOBS = 4
"""Rows that are missing from a table, at most, while somebody's are deleted."""

REBUILD = Drill(
    name="rebuild",
    must_hold="While views are rebuilt under load, killed half-way and started twice, readers see "
    "whole views alone; differences are shown first, and what was left behind is cleaned.",
    run=run,
)
