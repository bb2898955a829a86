"""The chain: SHA-256 over each batch and the one before, made again from the rows as they stand."""

import hashlib
import struct
from collections.abc import Iterator
from typing import Final

from infra.event_store.codec import COLUMNS, COPY_HEADER
from infra.postgres import Connection

_COPY: Final = (
    f"copy (select {COLUMNS} from log.fact where position > %s and position <= %s "  # noqa: S608  # a constant
    "order by position) to stdout (format binary)"
)
_BATCHES: Final = 200
_FACTS: Final = 20_000
"""How many are in memory at once; of a batch that has more, all."""


def first_break(connection: Connection, *, after: int = 0) -> int | None:
    """Return the last position of the first batch whose chain does not follow, None when all do.

    `after`: a batch's position that is trusted. Reads the whole log behind it, in order.
    """
    row = connection.execute("select chain from log.batch where position = %s", (after,)).fetchone()
    chain = bytes(row[0]) if row else bytes(32)
    while True:
        batches = connection.execute(
            "select position, facts, chain from log.batch where position > %s "
            "order by position limit %s",
            (after, _BATCHES),
        ).fetchall()
        if not batches:
            return None
        batches = [b for b in batches if b[0] <= after + _FACTS] or batches[:1]
        rows = _rows(connection, after, batches[-1][0])
        for position, facts, told in batches:
            digest = hashlib.sha256(chain)
            for _ in range(facts):
                digest.update(next(rows, b"missing"))
            if digest.digest() != told or position - after != facts:
                return int(position)
            chain, after = digest.digest(), position
        if next(rows, None) is not None:
            return int(after)


def _rows(connection: Connection, after: int, upto: int) -> Iterator[bytes]:
    """Yield the binary COPY tuple of each fact, in order."""
    with connection.cursor().copy(_COPY, (after, upto)) as copy:
        data = b"".join(bytes(block) for block in copy)
    at = len(COPY_HEADER)
    short, length = struct.Struct("!h").unpack_from, struct.Struct("!i").unpack_from
    while True:
        start = at
        (fields,) = short(data, at)
        if fields == -1:
            return
        at += 2
        for _ in range(fields):
            (size,) = length(data, at)
            at += 4 + max(size, 0)
        yield data[start:at]
