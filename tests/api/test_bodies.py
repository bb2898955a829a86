"""A body is read within bounds of time too."""

import asyncio

import pytest
from starlette.datastructures import Headers
from starlette.types import Message

from api import bodies


def test_a_body_that_does_not_come_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.01)
    parts: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> Message:
        if parts:
            return parts.pop()
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(bodies.BodyTooSlow):
        asyncio.run(bodies.read_body(Headers(), receive, 100))
