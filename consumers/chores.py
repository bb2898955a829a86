"""Chores: what has to be done now and then, by whichever worker comes to it first."""

import threading
from collections.abc import Callable, Mapping
from time import monotonic
from types import TracebackType
from typing import Final, Self

import structlog

from consumers.erasure.due import carry_out_due
from consumers.keyring import renew_daily
from consumers.retention import HOUR_SECONDS, retain_due
from consumers.seals import LOOK_SECONDS, seal_due
from infra.settings import Settings

Chore = tuple[Callable[[Settings], None], float]
"""What is to be done, and after how many seconds again."""

CHORES: Final[Mapping[str, Chore]] = {
    "keyring": (renew_daily, 60.0),
    "erasures": (carry_out_due, 5.0),
    "retention": (retain_due, HOUR_SECONDS),
    "seals": (seal_due, LOOK_SECONDS),
}
"""Each may be done by several at once: it sees to it itself that one does it."""

_PATIENCE_SECONDS: Final = 20.0

log = structlog.get_logger("chores")


class Chores:
    """Does all chores every so often, within a block; each in a thread: none waits for another."""

    def __init__(self, settings: Settings, chores: Mapping[str, Chore] = CHORES) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(name, *chore), name=name, daemon=True)
            for name, chore in chores.items()
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go; a chore in hand that is not done soon ends with the process."""
        self._stop.set()
        until = monotonic() + _PATIENCE_SECONDS
        for thread in self._threads:
            thread.join(timeout=max(0.0, until - monotonic()))

    def _run(self, name: str, chore: Callable[[Settings], None], every: float) -> None:
        while not self._stop.wait(every):
            try:
                chore(self._settings)
            except Exception as error:  # it is tried again
                log.exception("chore.failed", chore=name, why=str(error))
