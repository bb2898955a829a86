"""How answers are written: JSON by msgspec, long lists as a stream of lines."""

import csv
import io
from collections.abc import Generator, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import Any, Final
from uuid import UUID

import anyio
import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
CSV: Final = "text/csv; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"

_Headers = Mapping[str, str] | None
_ROWS_AT_ONCE: Final = 500


_encoder: Final = msgspec.json.Encoder(decimal_format="string")
encode: Final = _encoder.encode


class Json(Response):
    """Anything msgspec can write; amounts are strings, instants ISO 8601 in UTC."""

    media_type = JSON

    def render(self, content: Any) -> bytes:
        return encode(content)


def ndjson(items: Iterable[Any], headers: Mapping[str, str] | None = None) -> StreamingResponse:
    """Answer one JSON value a line, as they are read. Reads the first of them at once."""
    return _Stream(_lines(items), media_type=NDJSON, headers=headers)


def csv_of(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], headers: Mapping[str, str] | None = None
) -> StreamingResponse:
    """Answer a table with a line of headings, as its rows are read, the first of them at once."""
    return _Stream(_table(columns, rows), media_type=CSV, headers=headers)


def streamed(
    chunks: Generator[Any, None, None], media_type: str, headers: Mapping[str, str] | None = None
) -> StreamingResponse:
    """Answer chunks of text or bytes as they are made, the first of them at once."""
    return _Stream(chunks, media_type=media_type, headers=headers)


class _Stream(StreamingResponse):
    """Chunks as they are made. The first is made now: what goes wrong at once is told as an error.

    A client that leaves closes them, and so gives back the connection that they are read over.
    """

    def __init__(
        self, chunks: Generator[Any, None, None], media_type: str, headers: _Headers
    ) -> None:
        self._chunks = chunks
        super().__init__(
            chain(list(islice(chunks, 1)), chunks), media_type=media_type, headers=headers
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(self._chunks.close)


def _lines(items: Iterable[Any]) -> Generator[bytes, None, None]:
    waiting: list[Any] = []
    for item in items:
        waiting.append(item)
        if len(waiting) == _ROWS_AT_ONCE:
            yield _encoder.encode_lines(waiting)
            waiting.clear()
    if waiting:
        yield _encoder.encode_lines(waiting)


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Generator[str, None, None]:
    out = io.StringIO()
    writer = csv.writer(out)  # ends lines as RFC 4180 does, and so quotes what holds such an end
    writer.writerow(columns)
    for count, row in enumerate(rows, 1):
        writer.writerow([_cell(value) for value in row])
        if count % _ROWS_AT_ONCE == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else _text(value)
    if text[:1] in {"=", "+", "-", "@", "\t", "\r"} and not isinstance(
        value, int | float | Decimal
    ):
        return f"'{text}"  # a spreadsheet would run it as a formula
    return text


def _text(value: Any) -> str:
    if isinstance(value, UUID | Decimal):
        return str(value)
    return encode(value).decode().strip('"')
