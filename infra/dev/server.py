"""A server of our own in a folder: started, found again after a crash, stopped."""

import fcntl
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psutil


class EmbeddedServer(ABC):
    """At most one server in a folder.

    It outlives a killed parent: the next `start` on the folder adopts it. Whoever calls `stop`
    stops it for all.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self.log = self.directory / "log"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def start(self) -> str:
        """Start or adopt the server; answer where to connect once it takes connections."""

    @abstractmethod
    def stop(self) -> None:
        """Stop the server in good order; what was committed stays. Nothing if none runs."""

    @property
    def running(self) -> bool:
        return self._server() is not None

    @abstractmethod
    def _server(self) -> psutil.Process | None:
        """Find the running server of this folder, whoever started it."""

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.directory / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _last_words(self) -> str:
        tail = self.log.read_text(errors="replace").splitlines()[-5:]
        return f"({self.log}): " + " / ".join(tail)
