"""Somebody who asks the whole time, about a customer that nothing happens to any more."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Self

import httpx2

from tests.cli.running import await_that
from tests.drills.drill import Findings

_ANSWER_SECONDS = 60.0
_PAUSE_SECONDS = 0.05
RIGHT = {"200", "503"}
"""An answer, or that there is none just now."""


class Asking:
    """Asks from entering to leaving. `shown`: what of an answer must stay the same."""

    def __init__(
        self,
        client: httpx2.Client,
        path: str,
        shown: Callable[[Any], Any] = lambda answer: answer,
    ) -> None:
        self._client = client
        self._path = path
        self._shown = shown
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._wanted: Any = None
        self.statuses: Counter[str] = Counter()
        self.wrong: list[Any] = []
        self.without_retry_after = 0
        self.slowest = 0.0

    def __enter__(self) -> Self:
        await_that(lambda: self._client.get(self._path).is_success)
        self._wanted = self._shown(self._client.get(self._path).json())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(_ANSWER_SECONDS)

    def _ask(self) -> None:
        while not self._stop.wait(_PAUSE_SECONDS):
            began = time.monotonic()
            try:
                answer = self._client.get(self._path, timeout=_ANSWER_SECONDS)
            except httpx2.TransportError as error:
                self.statuses[type(error).__name__] += 1
                continue
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.statuses[str(answer.status_code)] += 1
            if answer.is_success and self._shown(answer.json()) != self._wanted:
                self.wrong.append(answer.json())
            if answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
                self.without_retry_after += "Retry-After" not in answer.headers

    def look(self, found: Findings, allowed: set[str] = RIGHT) -> None:
        """Claim that every answer was right, or said that there is none and when to come back."""
        told = ", ".join(f"{n} × {status}" for status, n in sorted(self.statuses.items()))
        found.note(f"who asked was answered {told}; the slowest took {self.slowest:.1f} s")
        found.same("answers that were neither right nor a 503", set(self.statuses) - allowed, set())
        found.same("answers that were wrong", self.wrong[:1], [])
        found.same("503s that did not say when to come back", self.without_retry_after, 0)
