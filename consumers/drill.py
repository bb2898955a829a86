"""`huike drill restore`: proves on a scratch server that a backup is one."""

import fcntl
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Final, TypeVar

import msgspec
import psycopg
import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from consumers.audit import outside as given_from_outside
from consumers.drill_seals import Sealed, seals_of
from consumers.mistakes import files_told
from consumers.opened import Opened, opened
from consumers.place import NoDatabase, log_url
from consumers.rebuild import rebuild_view, show
from consumers.restore import files_of, restore_with_bar
from consumers.screen import screen
from infra.access_chain import ReadsBreak
from infra.access_chain import follow as follow_reads
from infra.arrays import uuids
from infra.backup.key import BackupKey
from infra.backup.restoring import Restored
from infra.backup.unusable import Unusable
from infra.dev.postgres import EmbeddedPostgres
from infra.event_store import LogReader
from infra.event_store.chain import Break, follow
from infra.keyring import KeyringLost
from infra.postgres import KEEPER, WRITER, connect
from infra.retention import destroyed_runs
from infra.seals import Seal
from infra.settings import Settings
from infra.upkeep import DRILL, note_at
from infra.vault import VaultFailed
from projections.catalogue import VIEWS
from projections.projection import View
from projections.runtime.verify import Report, Verifier

_PREFIX: Final = "huike-drill-"
_FORGOTTEN_SINCE: Final = (
    "{since:,} of these were forgotten since the keys file was taken, and a restore of these files "
    "brings them back: take a backup, or keep their certificates for `huike erasure again`."
)
_PERSONS: Final = 10_000
_MILLION: Final = 1_000_000
_TELLING: Final = 100_000
"""From how many facts on a drill tells what a million would take: less is mostly beginnings."""

T = TypeVar("T")


class Found(msgspec.Struct):
    """What a drill found: the seconds of each step, and what is wrong."""

    facts: int = 0
    took: dict[str, float] = msgspec.field(default_factory=dict)
    wrong: list[str] = msgspec.field(default_factory=list)

    def timed(self, step: str, work: Callable[[], T]) -> T:
        began = monotonic()
        done = work()
        self.took[step] = self.took.get(step, 0.0) + monotonic() - began
        return done

    def table(self) -> Table:
        """Return what each step took, and what it would for a million facts, where that is told."""
        telling = self.facts >= _TELLING
        table = Table("step", "took", *(["a million facts"] if telling else []), box=None)
        for step, took in (*self.took.items(), ("all", sum(self.took.values()))):
            each = [f"{took * _MILLION / self.facts:,.1f} s"] if telling else []
            table.add_row(step, f"{took:,.1f} s", *each)
        return table


def drill_restore(  # noqa: PLR0913  # of what, by what, held to what
    settings: Settings,
    source: Path,
    keys: Path | None,
    key_file: Path,
    *,
    processes: int,
    against: Path | None = None,
    public_keys: Sequence[Path] = (),
) -> int:
    """Restore a backup aside, make all views of it, verify all; return 1 if something is wrong.

    `against`: a file of seals, by `public_keys` or that of this Huike. Raises Unusable, BadSeal.
    """
    outside = given_from_outside(settings, against, public_keys, None)
    with files_told("The backup"), _scratch() as (folder, url), ExitStack() as stack:
        stack.enter_context(_failure_noted(settings))
        key = BackupKey.read(key_file)
        data_file, keys_file = files_of(source, keys)
        scratch = settings.model_copy(
            update={
                "log_url": url,
                "views_url": None,
                "keyring": folder / "keyring.json",
                "kafka_bootstrap": None,
            }
        )
        found = Found()
        made = found.timed(
            "restored",
            lambda: restore_with_bar(url, data_file, keys_file, key, scratch),
        )
        found.facts = made.facts
        with opened(scratch) as here:
            running = stack.enter_context(_running(settings, made))
            since = 0 if running is None else _forget_since(settings, url)
            sealed = _look_at_chain(url, scratch.keyring_file, outside, made, found)
            opens = _open_all(here, url, found)
            _look_at_views(scratch, here, running, found, processes)
        if running is not None:
            _note(settings, made.position, "; ".join(found.wrong) or None)
    typer.echo(f"{made.facts:,} facts, up to position {made.position:,}, from {data_file.name}")
    typer.echo(f"{opens:,} persons' keys open, {made.forgotten + since:,} are forgotten")
    if since:
        typer.echo(_FORGOTTEN_SINCE.format(since=since))
    for sentence in sealed.told():
        typer.echo(sentence)
    other = "a replay of the log that runs, as of then" if running else "a replay of themselves"
    typer.echo(f"{len(VIEWS)} views were made, and compared with {other}")
    _print(found)
    return int(bool(found.wrong))


def _note(settings: Settings, position: int | None, failure: str | None) -> None:
    """Write down in the log that runs, if one does, how a drill ended."""
    with suppress(NoDatabase, psycopg.Error):
        note_at(log_url(settings), DRILL, position, failure)


@contextmanager
def _failure_noted(settings: Settings) -> Iterator[None]:
    try:
        yield
    except (Unusable, KeyringLost, VaultFailed) as why:
        _note(settings, None, str(why) or type(why).__name__)
        raise


class _Signals:
    """Signals that end a drill: noted while its server starts and stops, heeded between."""

    def __init__(self) -> None:
        self._noted: list[int] = []
        self._heeding = False
        ending = (signal.SIGTERM, signal.SIGINT)
        self._before = {number: signal.signal(number, self._take) for number in ending}

    def heed(self) -> None:
        self._heeding = True
        if self._noted:
            self._end()

    def give_back(self) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _take(self, number: int, _frame: object) -> None:
        self._noted.append(number)
        if self._heeding:
            self._end()

    def _end(self) -> None:
        self._heeding = False
        sys.exit(128 + self._noted[0])


@contextmanager
def _scratch() -> Iterator[tuple[Path, str]]:
    """Give a folder in TMPDIR and a database in it; remove both, and those of killed drills."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        _clear(left)
    signals = _Signals()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with EmbeddedPostgres(folder / "postgres") as postgres:
                url = postgres.database("huike")
                signals.heed()
                yield folder, url
    finally:
        _clear(folder)
        signals.give_back()


def _clear(folder: Path) -> None:
    try:
        with (folder / "lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            EmbeddedPostgres(folder / "postgres").stop()
    except (FileNotFoundError, PermissionError, BlockingIOError):
        return  # being made, somebody else's, or still in use
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(settings: Settings, made: Restored) -> Iterator[LogReader | None]:
    """Give the log that runs, if it is the one that the backup is of; else None."""
    if not settings.keyring_file.exists():  # else one would be made
        yield None
        return
    with ExitStack() as stack:
        try:
            there = stack.enter_context(opened(settings))
            assert there.settings.log_url is not None
            with closing(connect(there.settings.log_url, WRITER)) as connection:
                row = connection.execute(
                    "select encode(chain, 'hex') from log.batch where position = %s",
                    (made.position,),
                ).fetchone()
        except (NoDatabase, KeyringLost, VaultFailed, psycopg.Error):
            row = None
        yield there.reader if row == (made.chain,) else None


def _forget_since(settings: Settings, scratch_url: str) -> int:
    """Forget aside whom the running system forgot after the keys were taken; return how many."""
    with opened(settings) as there:
        assert there.settings.log_url is not None
        with closing(connect(there.settings.log_url, KEEPER)) as running:
            gone = running.execute(
                "select identity from keeper.person_key where forgotten_at is not null"
            ).fetchall()
    with closing(connect(scratch_url, KEEPER)) as scratch:
        return scratch.execute(
            "update keeper.person_key set wrapped = null, forgotten_at = now() "
            "where identity = any(%s) and wrapped is not null",
            (uuids([row[0].int for row in gone]),),
        ).rowcount


def _look_at_chain(
    url: str, keyring_file: Path, outside: Sequence[Seal], made: Restored, found: Found
) -> Sealed:
    """Make the chain again, compare it with seals, then that of reads; return the seals."""
    with closing(connect(url, WRITER)) as connection:
        sealed = seals_of(connection, keyring_file, outside, made.position)
        found.wrong += sealed.wrong
        end = found.timed("chain verified", lambda: follow(connection, sealed=sealed.marks))
        reads = follow_reads(connection, destroyed=lambda: destroyed_runs(connection, None))
    if isinstance(end, Break):
        found.wrong.append(f"the log is not as it was recorded: {end}")
    if isinstance(reads, ReadsBreak):
        found.wrong.append(f"the access log is not as it was written: {reads}")
    return sealed


def _open_all(here: Opened, url: str, found: Found) -> int:
    """Open every person's key; return how many there are."""

    def open_all() -> int:
        count = 0
        with (
            closing(connect(url, KEEPER)) as connection,
            connection.transaction(),
            psycopg.ServerCursor(connection, "persons") as cursor,
        ):
            cursor.execute("select identity from keeper.person_key where wrapped is not null")
            while persons := cursor.fetchmany(_PERSONS):
                here.sealer.load([person for (person,) in persons])
                count += len(persons)
        return count

    try:
        return found.timed("keys opened", open_all)
    except (KeyringLost, VaultFailed) as lost:
        found.wrong.append(f"not every key opens: {lost}")
        return 0


def _look_at_views(
    scratch: Settings, here: Opened, running: LogReader | None, found: Found, processes: int
) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen(stderr=True)) as bar:
        for view in VIEWS.values():
            task = bar.add_task(f"making {view.name}", total=None)

            def build(view: View = view, task: TaskID = task) -> None:
                rebuild_view(
                    scratch,
                    view,
                    processes=processes,
                    decide=lambda _: True,
                    told=lambda done, total: bar.update(task, completed=done, total=total),
                )

            def compare(view: View = view, task: TaskID = task) -> Report:
                bar.reset(task, description=f"comparing {view.name}", total=1.0)
                reader = running or here.reader
                verifier = Verifier(here.views, view, here.sealer, reader, scratch.slots)
                return verifier.verify(lambda share: bar.update(task, completed=share))

            found.timed("views made", build)
            report = found.timed("views compared", compare)
            if report.different:
                found.wrong.append(f"{view.name} differs in {report.different:,} values")
                show(bar.console, report.different, report.differences)


def _print(found: Found) -> None:
    screen().print(found.table())
    for wrong in found.wrong:
        typer.echo(f"Wrong: {wrong}.")
    if not found.wrong:
        typer.echo("The backup is good.")
