"""An installation's processes as they are measured: a server, and what follows the log."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final, Literal

from infra.kafka import make_topics
from infra.settings import Settings
from tests.bench.measure import Say
from tests.bench.processes import Process

Feed = Literal["log", "kafka"]

_PARTS: Final[dict[Feed, tuple[str, ...]]] = {"log": ("views",), "kafka": ("views", "relay")}


class Running:
    """Starts a server once, and followers by the one feed or the other as they are asked for."""

    def __init__(self, settings: Settings, say: Say) -> None:
        self._settings = settings
        self._say = say
        self._server: Process | None = None
        self._followers: dict[str, Process] = {}
        self._feed: Feed | None = None

    @property
    def processes(self) -> dict[str, Process]:
        """What runs, by name."""
        server = {} if self._server is None else {"server": self._server}
        return {**server, **self._followers}

    def serve(self) -> str:
        """Have the server run; return where it answers."""
        if self._server is None:
            self._say("starting the server")
            self._server = self._start("serve")
            self._server.answers(self._settings.port, "/ready")
        return f"http://127.0.0.1:{self._settings.port}"

    def follow(self, feed: Feed) -> None:
        """Have the views followed by one feed, and by nothing else."""
        if self._feed == feed:
            return
        self.leave()
        self._say(f"starting what follows by {feed}")
        if feed == "kafka":
            make_topics(self._settings)
        workers = self._settings.workers_of_views
        for part in _PARTS[feed]:
            name, count = ("worker", workers) if part == "views" else (part, 1)
            for number in range(1, count + 1):
                called = name if number == 1 else f"{name} {number}"
                self._followers[called] = self._start("work", part, feed=feed)
        self._feed = feed

    def leave(self) -> None:
        """Let nothing follow the log."""
        for process in self._followers.values():
            process.stop()
        self._followers = {}
        self._feed = None

    def stop(self) -> None:
        self.leave()
        if self._server is not None:
            self._server.stop()
        self._server = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let those who follow do nothing for a while."""
        with ExitStack() as stack:
            for process in self._followers.values():
                stack.enter_context(process.paused())
            yield

    def _start(self, *command: str, feed: Feed = "log") -> Process:
        settings = self._settings
        if feed == "log":
            settings = settings.model_copy(update={"kafka_bootstrap": None})
        environment = {
            **settings.environment,
            "HUIKE_LOG_LEVEL": "warning",
            "HUIKE_SETTINGS": os.devnull,
        }
        output = self._settings.home / "output"
        return Process("huike", *command, environment=environment, output=output).__enter__()
