"""Many requests wait for one commit: the event loop is woken once for all that it answered."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class Together(Generic[T]):
    """Brings answers from another thread to those who wait for them in one event loop."""

    def __init__(self) -> None:
        self._answered: Final[deque[tuple[asyncio.Future[T], T]]] = deque()
        self._called = False

    async def answer(self, ask: Callable[[Callable[[T], None]], None], within: float) -> T:
        """Return what `ask` is told, at once or later, from whichever thread. Raises TimeoutError.

        Who gives up waiting cancels nothing.
        """
        loop = asyncio.get_running_loop()
        waits: asyncio.Future[T] = loop.create_future()

        def tell(answer: T) -> None:
            self._answered.append((waits, answer))
            if not self._called:
                self._called = True
                with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits
                    loop.call_soon_threadsafe(self._hand_out)

        ask(tell)
        patience = loop.call_later(within, _give_up, waits)
        try:
            return await waits
        finally:
            patience.cancel()

    def _hand_out(self) -> None:
        self._called = False  # before it looks: who comes now calls again
        while self._answered:
            waits, answer = self._answered.popleft()
            if not waits.done():
                waits.set_result(answer)


def _give_up(waits: "asyncio.Future[T]") -> None:
    if not waits.done():
        waits.set_exception(TimeoutError())
