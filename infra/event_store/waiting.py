"""Who waits for an append: a future, one thread that does nothing else, or several together."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from threading import Lock
from typing import Any, Final

from domain.shared.log import Append, LogUnavailable, Receipt

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


class Together:
    """What waits for several appends at once: `tell` is given all answers, in their order."""

    __slots__ = ("_answered", "_answers", "_tell")

    def __init__(self, appends: int, tell: Callable[[list[Receipt | Exception]], None]) -> None:
        self._answers: list[Any] = [None] * appends
        self._answered = count(1)  # its `next` is atomic, whichever threads answer
        self._tell = tell
        if not appends:
            tell([])

    def answered(self, place: int) -> bool:
        return self._answers[place] is not None

    def answer(self, place: int, answer: Receipt | Exception) -> None:
        self._answers[place] = answer
        if next(self._answered) == len(self._answers):
            self._tell(self._answers)


class Share:
    """One append of several that wait together."""

    __slots__ = ("_place", "_together")

    def __init__(self, together: Together, place: int) -> None:
        self._together = together
        self._place = place

    def set_running_or_notify_cancel(self) -> bool:
        return True

    def done(self) -> bool:
        return self._together.answered(self._place)

    def set_result(self, receipt: Receipt) -> None:
        self._together.answer(self._place, receipt)

    def set_exception(self, error: Exception) -> None:
        self._together.answer(self._place, error)


Asker = Waiter | Share | Future[Receipt]
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


def refuse(waiting: Sequence[Waiting], error: LogUnavailable) -> None:
    """Tell those who were told nothing yet."""
    for _, asker in waiting:
        if not asker.done():
            asker.set_exception(error)
