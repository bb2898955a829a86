"""Tables are read back as they were written, and no cell is run as a formula."""

import asyncio
import csv
import io
from collections.abc import Iterator

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from api.responses import csv_of

CELLS = ("a\rb", "c\nd", 'e,"f', "\r=1", "=1", "+1", "-1", "@a", "\t=1", "plain", "")


def written(*cells: object) -> str:
    answer = csv_of(["cell"], ([cell] for cell in cells))

    async def body() -> str:
        return "".join([str(chunk) async for chunk in answer.body_iterator])

    return asyncio.run(body())


def test_a_cell_may_hold_anything() -> None:
    rows = list(csv.reader(io.StringIO(written(*CELLS), newline="")))
    assert [row[0].removeprefix("'") if row else "" for row in rows[1:]] == list(CELLS)


def test_who_leaves_half_way_has_what_is_read_for_them_closed() -> None:
    closed = []

    def rows() -> Iterator[list[int]]:
        try:
            yield from ([n] for n in range(10**9))
        finally:
            closed.append(True)

    async def send(message: Message) -> None:
        if message.get("body"):
            raise OSError("the client left")

    async def receive() -> Message:
        await asyncio.sleep(3600)
        raise AssertionError

    answer = csv_of(["cell"], rows())
    scope = {"type": "http", "asgi": {"spec_version": "2.4"}}
    with pytest.raises(ClientDisconnect):
        asyncio.run(answer(scope, receive, send))
    assert closed


def test_no_text_is_a_formula() -> None:
    rows = list(csv.reader(io.StringIO(written(*CELLS), newline="")))
    assert not [row for row in rows if row and row[0][:1] in set("=+-@\t\r")]
    assert written(-1).splitlines() == ["cell", "-1"]
