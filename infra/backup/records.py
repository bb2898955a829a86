"""What a sealed file holds: tables as Postgres copies them, and what they come to.

Records follow each other: 1 byte of kind, 4 bytes of length, the content.

    T  a table begins (JSON: its name, columns, parts)
    D  a piece of its rows, in PostgreSQL's binary COPY format
    E  it ends (JSON: how many rows and bytes, their SHA-256)
    S  a sequence (JSON: its name, its last value)
    K  a file that goes with the tables (JSON: its name, its content in base64)
    Z  the end (JSON: the rows of each table, SHA-256 of all records before)
"""

import hashlib
import struct
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from infra.backup.sealed_file import SealedReader, SealedWriter
from infra.backup.unusable import Inconsistent

_RECORD: Final = struct.Struct(">cI")
_LONGEST: Final = 64 << 20

Kind = Literal[b"T", b"D", b"E", b"S", b"K", b"Z"]


class Table(msgspec.Struct, frozen=True):
    """A table as it was: the columns that are copied, and its parts with their bounds."""

    schema: str
    name: str
    columns: tuple[str, ...]
    parts: tuple[tuple[str, str], ...] = ()

    @property
    def full(self) -> str:
        return f"{self.schema}.{self.name}"


class TableEnd(msgspec.Struct, frozen=True):
    """What a table came to."""

    rows: int
    bytes: int
    sha256: str


class Sequence(msgspec.Struct, frozen=True):
    """A sequence as it stood."""

    schema: str
    name: str
    last: int
    called: bool


class Kept(msgspec.Struct, frozen=True):
    """A small file that goes with the tables."""

    name: str
    content: bytes


class End(msgspec.Struct, frozen=True):
    """What everything came to: rows by table, and SHA-256 of all records before."""

    tables: dict[str, int]
    sha256: str


class RecordWriter:
    """Writes records to a sealed file."""

    def __init__(self, out: SealedWriter) -> None:
        self._out = out
        self._digest = hashlib.sha256()

    def write(self, kind: Kind, content: bytes) -> None:
        head = _RECORD.pack(kind, len(content))
        self._digest.update(head)
        self._digest.update(content)
        self._out.write(head)
        self._out.write(content)

    def tell(self, kind: Kind, what: msgspec.Struct) -> None:
        self.write(kind, msgspec.json.encode(what))

    def end(self, tables: dict[str, int]) -> End:
        """Write the end, and close the file."""
        end = End(tables, self._digest.hexdigest())
        self.tell(b"Z", end)
        self._out.close()
        return end


class RecordReader:
    """Reads records of a sealed file. Raises what `Unusable` there is."""

    def __init__(self, file: SealedReader, name: str) -> None:
        self._file = file
        self._name = name
        self._digest = hashlib.sha256()

    def each(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield every record but the end, which is checked."""
        while True:
            head = self._file.read(_RECORD.size)
            kind, length = _RECORD.unpack(head)
            if length > _LONGEST:
                raise Inconsistent(self._name, why="a record without an end")
            content = self._file.read(length)
            if kind == b"Z":
                break
            self._digest.update(head)
            self._digest.update(content)
            yield kind, content
        end = msgspec.json.decode(content, type=End)
        if end.sha256 != self._digest.hexdigest():
            raise Inconsistent(self._name, why="SHA-256 of all is another")
        self._file.finish()
