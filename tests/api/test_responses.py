"""Tables are read back as they were written, and no cell is run as a formula."""

import asyncio
import csv
import io

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


def test_no_text_is_a_formula() -> None:
    rows = list(csv.reader(io.StringIO(written(*CELLS), newline="")))
    assert not [row for row in rows if row and row[0][:1] in set("=+-@\t\r")]
    assert written(-1).splitlines() == ["cell", "-1"]
