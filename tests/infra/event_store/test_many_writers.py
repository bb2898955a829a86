"""Writers that are killed leave nothing half."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.event_store.chain import first_break
from infra.keyring import Keyring
from infra.postgres import WRITER, connect

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
