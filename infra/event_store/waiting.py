"""Who waits for an append: a future, or one thread that does nothing else meanwhile."""

from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from threading import Lock
from typing import Final

from domain.shared.log import Append, Receipt

PATIENCE: Final = 0.002
"""Seconds in which 64 threads wake one another; whoever comes back meanwhile is in one batch."""


class Waiter:
    """What one thread waits on: a future without its condition, callbacks and cancelling.

    Many that are answered together wake one another: if all woke at once, they would only queue for
    the interpreter, and wake for nothing whenever another got it.
    """

    __slots__ = ("_answer", "_next", "_wakes")

    def __init__(self) -> None:
        self._answer: Receipt | Exception | None = None
        self._next: Waiter | None = None
        self._wakes = Lock()
        self._wakes.acquire()

    def result(self) -> Receipt:
        """Wait for the answer; once."""
        self._wakes.acquire()
        if self._next is not None:
            self._next.wake()
        answer = self._answer
        assert answer is not None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def set_running_or_notify_cancel(self) -> bool:
        return True

    def done(self) -> bool:
        return self._answer is not None

    def set_result(self, receipt: Receipt) -> None:
        self.answer(receipt)
        self.wake()

    def set_exception(self, error: Exception) -> None:
        self.answer(error)
        self.wake()

    def answer(self, answer: Receipt | Exception, then: "Waiter | None" = None) -> None:
        """Give the answer, and who is to be woken next; it is heard on waking."""
        self._answer = answer
        self._next = then

    def wake(self) -> None:
        with suppress(RuntimeError):  # it was woken before
            self._wakes.release()

    def woken(self, patience: float) -> bool:
        """Tell whether somebody wakes it within so many seconds."""
        return self._wakes.acquire(timeout=patience)


Asker = Waiter | Future[Receipt]
Waiting = tuple[Append, Asker]


def tell(answers: Sequence[tuple[Asker, Receipt | Exception]]) -> None:
    """Give everybody their answer, and a moment to come back to those who wait in threads."""
    last = first = Waiter()
    for asker, answer in reversed(answers):
        if isinstance(asker, Waiter):
            asker.answer(answer, first)
            first = asker
        elif isinstance(answer, Exception):
            asker.set_exception(answer)
        else:
            asker.set_result(answer)
    if first is not last:
        first.wake()
        if not last.woken(PATIENCE):  # one of them is slow, or gone
            for asker, _ in answers:
                if isinstance(asker, Waiter):
                    asker.wake()
