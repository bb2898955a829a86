"""Answers from another thread reach each who waits for one, however many are answered at once."""

import asyncio
from collections.abc import Callable
from threading import Thread

import pytest

from api.together import Together


def test_each_is_told_its_own_answer() -> None:
    together: Together[int] = Together()
    asked: list[tuple[int, Callable[[int], None]]] = []

    async def one(number: int) -> int:
        return await together.answer(lambda tell: asked.append((number, tell)), 60)

    async def all_of_them() -> list[int]:
        waits = asyncio.gather(*[one(n) for n in range(200)])
        await asyncio.sleep(0)
        assert len(asked) == 200
        halves = [
            Thread(target=lambda some=some: [tell(number * 10) for number, tell in some])
            for some in (asked[::2], asked[1::2])
        ]
        for thread in halves:
            thread.start()
        return await waits

    assert asyncio.run(all_of_them()) == [n * 10 for n in range(200)]


def test_an_answer_at_once_is_an_answer() -> None:
    together: Together[str] = Together()
    assert asyncio.run(together.answer(lambda tell: tell("now"), 60)) == "now"


def test_who_waits_too_long_gives_up_and_the_late_answer_hurts_nobody() -> None:
    together: Together[str] = Together()
    asked: list[Callable[[str], None]] = []

    async def late() -> str:
        with pytest.raises(TimeoutError):
            await together.answer(asked.append, 0.01)
        asked[0]("late")
        return await together.answer(lambda tell: tell("next"), 60)

    assert asyncio.run(late()) == "next"
