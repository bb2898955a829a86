"""Many processes write at once, some are killed: the order stays dense, nothing is half."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.event_store import LogReader
from infra.event_store.chain import first_break
from infra.keyring import Keyring
from infra.postgres import OWNER, WRITER, connect

ROOT = Path(__file__).parents[3]


@pytest.fixture
def keyring(tmp_path: Path) -> Path:
    file = tmp_path / "keyring.json"
    Keyring.open(file)
    return file


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def writer(url: str, keyring: Path, name: str, messages: int, tags: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.infra.event_store.writing",
            url,
            str(keyring),
            name,
            str(messages),
            str(tags),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


class Follower(threading.Thread):
    """Reads the log as it grows and keeps the positions it saw."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.reader = LogReader(url, None, pool_size=1)
        self.seen: list[int] = []
        self.done = threading.Event()

    def run(self) -> None:
        while True:
            last = self.done.is_set()
            facts = self.reader.read(self.seen[-1] if self.seen else 0, 2_000)
            self.seen += [fact.position for fact in facts]
            if not facts and last:
                break
            time.sleep(0 if facts else 0.01)
        self.reader.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_eight_writers_and_two_followers_miss_nothing_and_keep_the_order(
    database_url: str, keyring: Path, started: list[subprocess.Popen[str]]
) -> None:
    followers = [Follower(database_url) for _ in range(2)]
    for follower in followers:
        follower.start()
    messages, tags = 2_300, 19
    started += [writer(database_url, keyring, f"w{n}", messages, tags) for n in range(8)]
    told: Counter[str] = Counter()
    for process in started:
        out, _ = process.communicate(timeout=250)
        assert process.returncode == 0
        for line in out.splitlines():
            name, recorded = line.split()
            told[name] += int(recorded) // (tags + 1)
    for follower in followers:
        follower.done.set()
        follower.join(60)
    own, shared = 8 * messages // 2, messages // 2
    assert set(told.values()) == {1}, "each message was recorded by exactly one writer"
    total = (own + shared) * (tags + 1)
    for follower in followers:
        assert follower.seen == list(range(1, total + 1))
    with connect(database_url, WRITER) as connection:
        assert first_break(connection) is None


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_writer_killed_at_any_moment_leaves_no_append_half_and_loses_nothing_it_told(
    database_url: str, keyring: Path, started: list[subprocess.Popen[str]]
) -> None:
    tags, told = 4, set()
    chance = random.Random(7)  # noqa: S311  # when to kill, not a secret
    for life in range(6):
        process = writer(database_url, keyring, f"k{life}", 100_000, tags)
        started.append(process)
        assert process.stdout is not None
        told.add(process.stdout.readline().split()[0])
        killer = threading.Timer(chance.uniform(0.05, 0.5), process.send_signal, [signal.SIGKILL])
        killer.start()
        told |= {line.split()[0] for line in process.stdout if line.endswith("\n")}
        killer.join()
    with connect(database_url, WRITER) as connection:
        facts = Counter(
            dict(
                connection.execute(
                    "select actor_id, count(*) from log.fact group by actor_id"
                ).fetchall()
            )
        )
        positions = connection.execute(
            "select min(position), max(position), count(*) from log.fact"
        )
        assert first_break(connection) is None
        low, high, count = positions.fetchone() or (0, 0, 0)
    assert told <= set(facts)
    assert set(facts.values()) == {tags + 1}
    assert (low, high) == (1, count)


def test_a_row_changed_by_hand_breaks_the_chain_at_its_batch(
    database_url: str, keyring: Path, started: list[subprocess.Popen[str]]
) -> None:
    started.append(writer(database_url, keyring, "w", 200, 1))
    assert started[0].wait(60) == 0
    with connect(database_url, OWNER) as connection:
        assert first_break(connection) is None
        connection.execute("update log.fact set actor_id = 'nobody' where position = 150")
        broken = first_break(connection)
        batch = connection.execute(
            "select min(position) from log.batch where position >= 150"
        ).fetchone()
    assert batch == (broken,)


def test_the_writer_may_not_change_or_delete_a_fact(database_url: str) -> None:
    with connect(database_url, WRITER) as connection:
        for forbidden in (
            "update log.fact set body = body",
            "delete from log.fact",
            "delete from log.batch",
            "update log.original set sealed = sealed",
            "select * from keeper.person_key",
        ):
            with pytest.raises(Exception, match="permission denied"):
                connection.execute(forbidden.encode())
