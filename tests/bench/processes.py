"""Processes that are measured: started, waited for, ended; what they say is kept in a file."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import psutil

ROOT: Final = Path(__file__).parents[2]

_START_SECONDS: Final = 90.0
_STOP_SECONDS: Final = 30.0
_LAST: Final = 2_000


class NotStarted(Exception):
    """A process that is to be measured did not start; what it said last follows."""


class Process:
    """A Python module run as a program, from entering to leaving."""

    def __init__(self, *command: str, environment: Mapping[str, str], output: Path) -> None:
        self._command = [sys.executable, "-m", *command]
        self._environment = {**os.environ, **environment}
        self._output = output

    def __enter__(self) -> Self:
        with self._output.open("ab") as out:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it in good order, or by force."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it do nothing for a while."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def memory(self) -> int:
        """How many bytes it holds in memory."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def answers(self, port: int, path: str) -> None:
        """Wait until it answers a GET of `path` with 200. Raises NotStarted."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                connection.request("GET", path)
                if connection.getresponse().status == http.client.OK:
                    return
            except OSError:
                pass
            finally:
                connection.close()
            time.sleep(0.05)
        raise NotStarted(self._output.read_text(encoding="utf-8")[-_LAST:])
