"""What the chain takes of bulk append, in CPU: `python -m tests.bench.chained`.

Appends in bulk, adding up the CPU of our process and of its session of Postgres; then makes the
same hashes again of the same bytes, in portions as large as the writer's.
"""

import hashlib
import resource
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from typing import Final

import psutil

from infra.event_store.chain import Row, follow
from infra.postgres import WRITER, connect
from tests.bench.ground import Ground, Sizes
from tests.bench.measures.append import into

FACTS: Final = 50_000
ROUNDS: Final = 5
PORTION: Final = 250
"""Rows that the writer packs, sends and hashes at once."""

_MICRO: Final = 1_000_000


def measure(folder: Path) -> str:
    """Return, in words, what a fact takes to append and what of that the chain takes."""
    appended: list[float] = []
    hashed: list[float] = []
    with ExitStack() as stack:
        ground = stack.enter_context(Ground(folder, Sizes(facts=FACTS)))
        url = ground.database()
        append = into(ground.log(url, stack), FACTS)
        append(0)
        portions: list[bytes] = []

        def see(rows: Sequence[Row]) -> None:
            parts = range(0, len(rows), PORTION)
            portions.extend(b"".join(rows[first : first + PORTION]) for first in parts)

        with closing(connect(url, WRITER)) as connection:
            follow(connection, see=see)
            for number in range(1, ROUNDS + 1):
                server = _servers(connection.info.backend_pid)
                before = _ours() + _theirs(server)
                append(number)
                appended.append((_ours() + _theirs(server) - before) / FACTS * _MICRO)
                hashed.append(_hashing(portions) / FACTS * _MICRO)
    each, chain = median(appended), median(hashed)
    size = sum(map(len, portions)) // FACTS
    return (
        f"A fact of {size} bytes takes {each:.1f} µs of CPU to append in bulk, with Postgres', "
        f"the chain {chain:.2f} µs of it: {chain / each:.1%}. Medians of {ROUNDS} x {FACTS:,}."
    )


def _hashing(portions: Sequence[bytes]) -> float:
    before = _ours()
    digest = hashlib.sha256(bytes(32))
    for portion in portions:
        digest.update(portion)
    digest.digest()
    return _ours() - before


def _ours() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


def _servers(pid: int) -> list[psutil.Process]:
    """Return Postgres' processes, found by one of its sessions."""
    parent = psutil.Process(pid).parent()
    return [] if parent is None else [parent, *parent.children()]


def _theirs(processes: Sequence[psutil.Process]) -> float:
    spent = [process.cpu_times() for process in processes if process.is_running()]
    return sum(one.user + one.system for one in spent)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        sys.stdout.write(f"{measure(Path(scratch) / 'ground')}\n")
