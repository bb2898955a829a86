"""Real servers for the tests: one Postgres and one Kafka a run, a fresh database a test."""

import fcntl
import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit
from uuid import uuid4

import hypothesis
import psycopg
import pytest
from psycopg import sql

from infra.dev import kafka_install
from infra.dev.kafka import EmbeddedKafka
from infra.dev.kafka_install import KafkaUnavailable
from infra.dev.postgres import EmbeddedPostgres
from infra.migrations import migrate
from infra.postgres import connect
from projections.runtime import schema
from tests.budgets import Budgets

hypothesis.settings.register_profile("huike", deadline=None)  # the machine is shared
hypothesis.settings.load_profile("huike")

ROOT = "HUIKE_TEST_ROOT"  # the run's folder, known to all its workers
PREFIX = "huike-tests-"
MEMORY = Path("/dev/shm")  # noqa: S108 - in it, a folder by the random name of the run
ROOM_IN_MEMORY = 4 << 30
MARKS = {
    "kafka_bootstrap": "kafka",
    "kafka_installed": "kafka",
    "live": "slow",  # a worker of views is started and waited for
    "shared_data": "data",
}
alive = pytest.StashKey[IO[str]]()


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    for remains in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        sweep(remains)
    root = Path(tempfile.mkdtemp(prefix=PREFIX))
    root.chmod(0o711)  # as root, Postgres is another user
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM_IN_MEMORY:
        in_memory(root).mkdir(mode=0o711)
    config.stash[alive] = (root / "alive").open("w")
    fcntl.flock(config.stash[alive], fcntl.LOCK_EX)
    os.environ[ROOT] = str(root)
    config.pluginmanager.register(Budgets())


def pytest_unconfigure(config: pytest.Config) -> None:
    if alive in config.stash:
        config.stash[alive].close()
        sweep(Path(os.environ[ROOT]))


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    for item in items:
        for fixture, mark in MARKS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)
    yield
    workers = getattr(config, "workerinput", {"workercount": 1})["workercount"]
    if workers > 1:
        items[:] = dealt(items, workers)


def pytest_collection_finish() -> None:
    gc.freeze()  # what was collected stays: to look through it for waste takes a tenth of a law


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Name in the last lines what a group is of, such as what was left open and collected here."""
    report = yield
    crash = getattr(report.longrepr, "reprcrash", None)
    if call.excinfo and isinstance(call.excinfo.value, BaseExceptionGroup) and crash:
        crash.message += "".join(f" | {one!r}" for one in call.excinfo.value.exceptions)
    return report


def dealt(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Put files that take long at the head of each worker's share, those that take longest first.

    A worker gets as many tests as another, in order; what the last of them have to do is short.
    """
    files = [list(tests) for _, tests in groupby(items, lambda item: item.path)]
    long = sorted(filter(patience, files), key=patience, reverse=True)
    short = [item for file in files if not patience(file) for item in file]
    shares = [[item for file in long[n::workers] for item in file] for n in range(workers)]
    for n, share in enumerate(shares, 1):
        room = max(len(items) // workers - len(share), 0) if n < workers else len(short)
        share.extend(short[:room])
        del short[:room]
    return [item for share in shares for item in share]


def patience(file: list[pytest.Item]) -> float:
    """Return the seconds that a file's slowest test may take; 0 where all are quick."""
    slow = (item for item in file if {"slow", "kafka"} & set(item.keywords))
    return max((_patience(item) for item in slow), default=0)


def _patience(item: pytest.Item) -> float:
    return max((mark.args[0] for mark in item.iter_markers("timeout")), default=1)


def in_memory(root: Path) -> Path:
    """Name the run's folder in memory: a database a test is many small files to write."""
    return MEMORY / root.name


def sweep(root: Path) -> None:
    """Stop the servers of a run that has ended, however it ended, and remove its folder."""
    try:
        with (root / "alive").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            EmbeddedPostgres(in_memory(root)).stop()
            for folder in filter(Path.is_dir, root.iterdir()):
                EmbeddedPostgres(folder).stop()
                EmbeddedKafka(folder).kill()
    except (FileNotFoundError, PermissionError, BlockingIOError):
        return  # being made, somebody else's, or still running
    shutil.rmtree(in_memory(root), ignore_errors=True)
    shutil.rmtree(root, ignore_errors=True)


@contextmanager
def one_worker_at_a_time(root: Path, what: str) -> Iterator[None]:
    with (root / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run_sql(url: str, statement: str, **names: str) -> None:
    identifiers = {key: sql.Identifier(name) for key, name in names.items()}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(**identifiers))


def database_of(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


@pytest.fixture(scope="session")
def run_root() -> Path:
    return Path(os.environ[ROOT])


@pytest.fixture
def server_folder(run_root: Path) -> Path:
    """Give a folder for a server of the test's own; pytest's are closed to other users."""
    return Path(tempfile.mkdtemp(dir=run_root))


@pytest.fixture(scope="session")
def postgres_url(run_root: Path) -> str:
    """Where the run's Postgres is, for who may make databases there."""
    if given := os.environ.get("HUIKE_TEST_POSTGRES"):
        return given
    memory = in_memory(run_root)
    folder = memory if memory.is_dir() else run_root / "postgres"
    with one_worker_at_a_time(run_root, "postgres"):
        return EmbeddedPostgres(folder, durable=False).start()


def made_once(server: str, root: Path, what: str, make: Callable[[str], object]) -> str:
    """Name a database of the run's that all its workers share, made by the first that wants it."""
    name = f"{root.name}_{what}".replace("-", "_")
    done = root / f"{what}.done"
    with one_worker_at_a_time(root, what):
        if not done.exists():
            run_sql(server, "drop database if exists {name}", name=name)
            run_sql(server, "create database {name}", name=name)
            make(database_of(server, name))
            done.touch()
    return name


@pytest.fixture(scope="session")
def template(postgres_url: str, run_root: Path) -> str:
    """Name a migrated database that every test gets a copy of."""
    return made_once(postgres_url, run_root, "template", migrate)


@pytest.fixture(scope="session")
def template_with_views(postgres_url: str, run_root: Path) -> str:
    """Name one that has also what all views share."""

    def make(url: str) -> None:
        migrate(url)
        with connect(url) as admin:
            schema.install(admin)

    return made_once(postgres_url, run_root, "template_with_views", make)


@contextmanager
def database(server: str, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    copied = "create database {name} template {template} strategy file_copy"  # half the work
    run_sql(server, copied, name=name, template=template)
    yield database_of(server, name)
    run_sql(server, "drop database {name} with (force)", name=name)


@pytest.fixture
def database_url(postgres_url: str, template: str) -> Iterator[str]:
    """Give a migrated database of the test's own, without rows."""
    with database(postgres_url, template) as url:
        yield url


@pytest.fixture
def bare_database_url(postgres_url: str) -> Iterator[str]:
    """Give a database of the test's own with nothing in it, not even tables."""
    with database(postgres_url, "template0") as url:
        yield url


@pytest.fixture(scope="session")
def kafka_installed(run_root: Path) -> None:
    """Skip, saying why, where Kafka cannot be had."""
    refusal = run_root / "kafka.refusal"
    with one_worker_at_a_time(run_root, "kafka"):
        if not refusal.exists():
            try:
                kafka_install.java()
                kafka_install.jars()
            except KafkaUnavailable as unavailable:
                refusal.write_text(str(unavailable))
    if refusal.exists():
        pytest.skip(refusal.read_text())


@pytest.fixture(scope="session")
def kafka_bootstrap(request: pytest.FixtureRequest, run_root: Path) -> str:
    """Where the run's Kafka is; all tests share it, so a test names its own topics."""
    if given := os.environ.get("HUIKE_TEST_KAFKA"):
        return given
    request.getfixturevalue("kafka_installed")
    with one_worker_at_a_time(run_root, "kafka"):
        return EmbeddedKafka(run_root / "kafka", brief=True).start()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Find the public data sets that stand beside the repository."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the data sets beside the repository, in {folder}")
    return folder
