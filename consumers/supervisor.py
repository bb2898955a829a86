"""Keeps the processes of one machine running: starts them, restarts what dies, stops all."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

import structlog

_STOP_SECONDS: Final = 20.0
_LONGEST_PAUSE: Final = 10.0
_HEALTHY_SECONDS: Final = 30.0

log = structlog.get_logger()


class Child:
    """One process that must always run; it is started again after a pause that grows."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], out: IO[bytes]
    ) -> None:
        self.name = name
        self._command = list(command)
        self._environment = dict(environment)
        self._out = out
        self._pause = 0.1
        self._next = 0.0
        self._started = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def look(self) -> None:
        """Start the process if it does not run and its pause is over."""
        now = time.monotonic()
        if self.process is not None:
            status = self.process.poll()
            if status is None:
                return
            self.process = None
            if now - self._started > _HEALTHY_SECONDS:
                self._pause = 0.1
            log.warning("process.ended", process=self.name, status=status, again_in=self._pause)
            self._next = now + self._pause
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        if now >= self._next:
            self._started = now
            self.process = subprocess.Popen(  # noqa: S603  # our own command line
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=self._out,
                stderr=self._out,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops in order
            )

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def await_end(self, deadline: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("process.killed", process=self.name)
            self.process.kill()
            self.process.wait()


class Supervisor:
    """Runs named command lines until it is stopped; their output goes to one file."""

    def __init__(
        self, commands: Mapping[str, Sequence[str]], environment: Mapping[str, str], log_file: Path
    ) -> None:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        self._out = log_file.open("ab")
        self._children = [
            Child(name, command, {**os.environ, **environment}, self._out)
            for name, command in commands.items()
        ]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        for child in self._children:
            child.look()
        self._thread.start()

    @property
    def pids(self) -> dict[str, int]:
        """The running processes by name."""
        return {c.name: c.process.pid for c in self._children if c.process is not None}

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            for child in self._children:
                try:
                    child.look()
                except OSError as error:
                    log.exception("process.not-started", process=child.name, error=str(error))

    def stop(self) -> None:
        """Ask every process to finish what it began, the last started first; then end it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        deadline = time.monotonic() + _STOP_SECONDS
        for child in reversed(self._children):
            child.ask_to_stop()
        for child in reversed(self._children):
            child.await_end(deadline)
        self._out.close()
