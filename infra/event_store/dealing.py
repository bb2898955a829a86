"""Deals rows of the log into hands of customers; all but the first wait on disk for their turn.

The files have no name: they go with the process, however that ends. What is sealed in the log is
sealed in them. They lie in TMPDIR, and take about as much room as the facts that wait.
"""

import struct
from collections.abc import Iterator, Sequence
from datetime import datetime
from tempfile import TemporaryFile
from typing import Any, Final, Self
from uuid import UUID

import msgspec

from domain.shared.hands import hand_of

Row = tuple[
    int,
    UUID,
    int,
    str,
    int,
    str,
    str,
    UUID | None,
    UUID | None,
    datetime,
    datetime,
    str,
    str,
    str,
    UUID | None,
    bytes | None,
    UUID | None,
]
"""The columns of COLUMNS, and the customer."""

_LENGTH: Final = struct.Struct("!q")


def dealt(rows: Sequence[tuple[Any, ...]], hands: int) -> list[list[tuple[Any, ...]]]:
    """Return rows by hand; those of nobody are in every one."""
    by_hand: list[list[tuple[Any, ...]]] = [[] for _ in range(hands)]
    for row in rows:
        customer = row[-1]
        if customer is None:
            for hand in by_hand:
                hand.append(row)
        else:
            by_hand[hand_of(customer, hands)].append(row)
    return by_hand


class Pile:
    """The rows of one hand on disk, in order."""

    def __init__(self) -> None:
        self._file = TemporaryFile(prefix="huike-")  # noqa: SIM115  # this class is what closes it

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            packed = _pack(rows)
            self._file.write(_LENGTH.pack(len(packed)))
            self._file.write(packed)

    def read(self, at_once: int) -> Iterator[list[Row]]:
        """Yield all rows that were added, about so many at once."""
        self._file.seek(0)
        rows: list[Row] = []
        while length := self._file.read(_LENGTH.size):
            rows += _unpack(self._file.read(_LENGTH.unpack(length)[0]))
            if len(rows) >= at_once:
                yield rows
                rows = []
        if rows:
            yield rows

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_pack: Final = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_unpack: Final = msgspec.msgpack.Decoder(list[Row]).decode
