"""Many processes write at once while others follow."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from itertools import pairwise

from infra.event_store import LogReader
from infra.event_store.chain import first_break
from infra.keyring import Keyring
from infra.postgres import WRITER, connect
from tests.cli.running import ROOT
from tests.drills.drill import Drill, Findings
from tests.drills.ground import Ground

WRITERS = 8
FOLLOWERS = 4
TAGS = 19
_END_SECONDS = 1_500.0


class Follower(threading.Thread):
    """Reads the log as it grows and keeps the positions in the order in which it saw them."""

    def __init__(self, url: str, done: threading.Event) -> None:
        super().__init__()
        self._reader = LogReader(url, None, pool_size=1)
        self._done = done
        self.seen: list[int] = []

    def run(self) -> None:
        while True:
            last = self._done.is_set()
            rows = self._reader.raw(self.seen[-1] if self.seen else 0, 5_000)
            self.seen += [row[0] for row in rows]
            if not rows:
                if last:
                    break
                time.sleep(0.01)
        self._reader.close()


def run(ground: Ground, found: Findings) -> None:
    """Let half of the messages be each writer's own, and half be sent by all of them."""
    messages = ground.of(long=11_200, short=700)
    url = ground.database(ground.postgres())
    keyring = ground.folder / "keyring.json"
    Keyring.open(keyring)
    done = threading.Event()
    followers = [Follower(url, done) for _ in range(FOLLOWERS)]
    with ExitStack() as stack:
        for follower in followers:
            follower.start()
            stack.callback(follower.join, 60)
        stack.callback(done.set)
        began = time.monotonic()
        told = _written([str(url), str(keyring)], messages, stack)
        seconds = time.monotonic() - began
    own, shared = WRITERS * messages // 2, messages // 2
    total = (own + shared) * (TAGS + 1)
    found.note(
        f"{WRITERS} processes wrote {total:,} facts in {seconds:.0f} s, "
        f"each of {shared:,} messages sent by all of them; {FOLLOWERS} followed"
    )
    found.same("messages that were recorded by exactly one writer", _once(told), own + shared)
    for number, follower in enumerate(followers, 1):
        _look(found, number, follower.seen, total)
    with connect(url, WRITER) as connection:
        found.same("the chain of hashes is broken at", first_break(connection), None)


def _written(place: list[str], messages: int, stack: ExitStack) -> Counter[str]:
    """Run the writers to their end; return how often each message was told to be recorded."""
    processes = []
    for number in range(WRITERS):
        command = [sys.executable, "-m", "tests.infra.event_store.writing", *place]
        process = subprocess.Popen(
            [*command, f"w{number}", str(messages), str(TAGS)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.enter_context(process)
        stack.callback(process.kill)
        processes.append(process)
    told: Counter[str] = Counter()
    for process in processes:
        out, _ = process.communicate(timeout=_END_SECONDS)
        assert process.returncode == 0
        for line in out.splitlines():
            name, recorded = line.split()
            told[name] += int(recorded) // (TAGS + 1)
    return told


def _once(told: Counter[str]) -> int:
    return sum(times == 1 for times in told.values())


def _look(found: Findings, number: int, seen: list[int], total: int) -> None:
    backwards = sum(b <= a for a, b in pairwise(seen))
    skipped = total - len(set(seen))
    twice = len(seen) - len(set(seen))
    found.same(
        f"follower {number}: skipped, out of order, twice", (skipped, backwards, twice), (0, 0, 0)
    )
    found.same(f"follower {number}: last position", seen[-1] if seen else 0, total)


WRITERS_DRILL = Drill(
    name="writers",
    must_hold="8 writers and 4 followers: no fact is skipped, none is out of order, none twice.",
    run=run,
)
