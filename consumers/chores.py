"""Chores: what has to be done now and then, by whichever worker comes to it first."""

import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self

import structlog

from consumers.keyring import renew_daily
from infra.settings import Settings

EVERY_SECONDS: Final = 60.0

CHORES: Final[Mapping[str, Callable[[Settings], None]]] = {"keyring": renew_daily}
"""Each may be done by several at once: it sees to it itself that one does it."""

log = structlog.get_logger("chores")


class Chores:
    """Does all chores every so often, in a thread, within a block."""

    def __init__(
        self,
        settings: Settings,
        chores: Mapping[str, Callable[[Settings], None]] = CHORES,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._settings = settings
        self._chores = chores
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chores", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go; a chore in hand that is not done soon ends with the process."""
        self._stop.set()
        self._thread.join(timeout=20)

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            for name, chore in self._chores.items():
                try:
                    chore(self._settings)
                except Exception as error:  # a chore that fails is tried again, and never alone
                    log.exception("chore.failed", chore=name, why=str(error))
