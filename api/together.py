"""Many appends waited for at once: the event loop is woken once a request, not once an event."""

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import count
from typing import Any


async def all_done(futures: Sequence["Future[Any]"], within: float) -> None:
    """Wait until all futures are done, whatever became of them. Raises TimeoutError."""
    if not futures:
        return
    loop = asyncio.get_running_loop()
    woken = loop.create_future()
    finished = count(1)  # its `next` is atomic, whichever threads call
    total = len(futures)

    def wake() -> None:
        if not woken.done():
            woken.set_result(None)

    def one_more(_: "Future[Any]") -> None:
        if next(finished) == total:
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits
                loop.call_soon_threadsafe(wake)

    for future in futures:
        future.add_done_callback(one_more)
    async with asyncio.timeout(within):
        await woken
