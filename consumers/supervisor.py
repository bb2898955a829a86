"""Keeps the processes of one machine running: starts them, restarts what dies, stops all."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import structlog

from consumers.supervised import VARIABLE

_STOP_SECONDS: Final = 25.0
_LOOK_SECONDS: Final = 0.1
_SHORTEST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_HEALTHY_SECONDS: Final = 10.0
"""What ran for so long was well: it is started again at once."""
_LOG_BYTES: Final = 32 * 1024 * 1024

log = structlog.get_logger()


class LogFile:
    """The file that all processes write to; when it is full, it is begun anew beside a copy."""

    def __init__(self, path: Path, limit: int = _LOG_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._limit = limit
        self._out = path.open("ab", buffering=0)
        self.trim()

    def fileno(self) -> int:
        return self._out.fileno()

    def trim(self) -> None:
        """Keep what was written as `.1`, and empty the file under the feet of who writes to it."""
        if os.fstat(self._out.fileno()).st_size > self._limit:
            shutil.copyfile(self.path, self.path.with_suffix(f"{self.path.suffix}.1"))
            self._out.truncate(0)  # they append, so they go on at the beginning

    def close(self) -> None:
        self._out.close()


class Child:
    """One process that must always run; it is started again after a pause that grows."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], out: LogFile
    ) -> None:
        self.name = name
        self.process: subprocess.Popen[bytes] | None = None
        self._command = list(command)
        self._environment = dict(environment)
        self._out = out
        self._pause = _SHORTEST_PAUSE
        self._next = 0.0
        self._started = 0.0

    def look(self, leash: int) -> None:
        """Start the process if it does not run and its pause is over. Raises OSError."""
        now = time.monotonic()
        if self.process is not None:
            status = self.process.poll()
            if status is None:
                return
            self.process = None
            if now - self._started > _HEALTHY_SECONDS:
                self._pause = _SHORTEST_PAUSE
            log.warning("process.ended", process=self.name, status=status, again_in=self._pause)
            self._later(now)
        if now >= self._next:
            self._started = now
            self._later(now)  # should it not even start
            self.process = subprocess.Popen(  # noqa: S603  # our own command line
                self._command,
                env=self._environment,
                stdin=leash,
                stdout=self._out.fileno(),
                stderr=self._out.fileno(),
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops in order
            )

    def _later(self, now: float) -> None:
        self._next = now + self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    def stop(self) -> None:
        """Let the process finish what it began; end it if that takes too long."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("process.killed", process=self.name)
            self.process.kill()
            self.process.wait()
        self.process = None


class Supervisor:
    """Runs named command lines until it is stopped; their output goes to one file."""

    def __init__(
        self, commands: Mapping[str, Sequence[str]], environment: Mapping[str, str], out: LogFile
    ) -> None:
        self._out = out
        whole = {**os.environ, **environment, VARIABLE: "yes"}
        self._children = [Child(name, command, whole, out) for name, command in commands.items()]
        self._leash, self._held = os.pipe()  # when nobody holds it any more, the children end
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start every process, in order, and watch over them. Raises OSError."""
        for child in self._children:
            child.look(self._leash)
        self._thread.start()

    @property
    def pids(self) -> dict[str, int]:
        """The running processes by name."""
        running = ((child.name, child.process) for child in self._children)
        return {name: process.pid for name, process in running if process is not None}

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            for child in self._children:
                try:
                    child.look(self._leash)
                except OSError as error:
                    log.warning("process.not-started", process=child.name, error=str(error))
            try:
                self._out.trim()
            except OSError as error:
                log.warning("log.not-trimmed", error=str(error))

    def stop(self) -> None:
        """Stop every process, the last started first, each when the one before has ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for child in reversed(self._children):
            child.stop()
        for end in (self._held, self._leash):
            os.close(end)
        self._out.close()
