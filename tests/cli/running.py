"""The command line under test: run in a folder of its own, as people and supervisors run it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil

from infra.dev.postgres import EmbeddedPostgres
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 60.0
TRACEBACK = "Traceback (most recent call last)"

Done = subprocess.CompletedProcess[str]
Running = subprocess.Popen[bytes]


class Installation:
    """A folder with a home, a port and settings, in which `huike` is run."""

    def __init__(self, folder: Path, **more: str) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.errors = folder / "errors"
        self.environment = {
            **{n: v for n, v in os.environ.items() if not n.startswith("HUIKE_")},
            "PYTHONPATH": str(ROOT),
            "HUIKE_HOME": str(self.home),
            "HUIKE_PORT": str(self.port),
            "HUIKE_SLOTS": "4",
            **more,
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "huike", *arguments]

    def run(self, *arguments: str, within: float = WAIT_SECONDS, **more: str) -> Done:
        """Run a command to its end."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )

    @contextmanager
    def running(self, *arguments: str, **more: str) -> Iterator[Running]:
        """Run a command until the end of the block, then end it as an operator does."""
        with self.errors.open("ab") as out:
            process = subprocess.Popen(
                self.command(*arguments),
                cwd=self.folder,
                env={**self.environment, **more},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        try:
            yield process
        finally:
            end(process)

    @contextmanager
    def up(self, **more: str) -> Iterator[Running]:
        """Run `huike up`, once it answers; leave no Postgres behind, however it ended."""
        try:
            with self.running("up", **more) as process:
                self.await_ready(process)
                yield process
        finally:
            EmbeddedPostgres(self.home / "postgres").stop()

    def await_ready(self, process: Running) -> None:
        await_that(lambda: process.poll() is not None or self.ready(), self.told)
        assert process.poll() is None, self.told()

    def ready(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/ready", timeout=5).is_success
        except httpx2.TransportError:
            return False

    def told(self) -> str:
        """Return the last that was said by the processes."""
        files = (self.errors, self.home / "huike.log")
        lines = [
            line
            for file in files
            if file.exists()
            for line in file.read_text(errors="replace").splitlines()
            if '"message": "request"' not in line
        ]
        return "\n".join(lines)[-8000:]

    def key(self, *scopes: str) -> str:
        """Make a key as people do."""
        asked = [word for scope in scopes for word in ("--scope", scope)]
        made = self.run("keys", "add", "a test", *asked)
        assert made.returncode == 0, f"{made.stderr}\n{self.told()}"
        return made.stdout.strip().splitlines()[-1]

    def client(self, key: str) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=30)

    @property
    def database(self) -> str:
        """Where the embedded log is."""
        return EmbeddedPostgres(self.home / "postgres").database("huike")


def done(what: Done) -> str:
    """Return what a command that succeeded printed."""
    assert what.returncode == 0, what.stdout + what.stderr
    return what.stdout


def track(n: int, user: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Product Viewed",
        "userId": user,
        "messageId": f"message-{n}",
        "properties": {"product_id": str(n), **properties},
    }


def part_of(supervisor: Running, name: str) -> int:
    """Return the process of a supervised part, once it runs: serve, views, …."""
    found: list[int] = []

    def look() -> bool:
        children = psutil.Process(supervisor.pid).children()
        found[:] = [c.pid for c in children if name in _words(c)]
        return bool(found)

    await_that(look)
    return found[0]


def _words(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def end(process: Running) -> None:
    """Ask a process to stop, and insist in the end."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
        raise


def await_that(
    holds: Callable[[], bool], told: Callable[[], str] = str, within: float = WAIT_SECONDS
) -> None:
    """Wait until something holds; fail with what is told when it does not."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError(f"it did not come about in {within:.0f} s\n{told()}")
