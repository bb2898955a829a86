"""Marks: words that stand nowhere else, planted in what persons say, and searched for in bytes."""

import base64
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

_MARK: Final = "zq7mark"
_MARKED: Final = re.compile(rf"{_MARK}([a-z]+)(\d{{5}})x".encode())
_DIALLED: Final = re.compile(rb"20155(00\d{3})")
_PIECE: Final = 16 * 1024**2
_LONGEST: Final = 100


class Person:
    """Somebody who says a word of their own in every field."""

    def __init__(self, number: int) -> None:
        self.number = number

    def mark(self, field: str) -> str:
        """Return the word for a field, letters alone."""
        return f"{_MARK}{field}{self.number:05}x"

    @property
    def email(self) -> str:
        return f"{self.mark('email')}@example.com"

    @property
    def phone(self) -> str:
        return f"+120155{self.number:05}"


def found_in(content: bytes) -> Counter[str]:
    """Count the marks in bytes, by their fields, whether they are written in capitals or not."""
    return Counter(field for _, field in whose(content))


def whose(content: bytes) -> Iterator[tuple[int, str]]:
    """Yield each mark in bytes: the number of the person, and the field."""
    for mark in _MARKED.finditer(content.lower()):
        yield int(mark[2]), mark[1].decode()
    for digits in _DIALLED.findall(content):
        yield int(digits), "phone"


def spelled(secret: bytes) -> tuple[bytes, ...]:
    """Return the ways in which a secret might be written down."""
    coded = base64.b64encode(secret), base64.urlsafe_b64encode(secret)
    return secret, secret.hex().encode(), *(code.rstrip(b"=") for code in coded)


def found_in_files(folder: Path) -> Mapping[str, Counter[str]]:
    """Search every byte of every file below a folder."""
    found = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink():
            count: Counter[str] = Counter()
            with suppress(FileNotFoundError):  # it was removed meanwhile
                for piece in _pieces(file):
                    count += found_in(piece)
            if count:
                found[str(file.relative_to(folder))] = count
    return found


def _pieces(file: Path) -> Iterator[bytes]:
    """Yield a file in pieces that overlap, so that no mark is cut in two."""
    before = b""
    with file.open("rb") as read:
        while piece := read.read(_PIECE):
            yield before + piece
            before = piece[-_LONGEST:]


def found_in_tables(url: str) -> Mapping[str, Counter[str]]:
    """Search every row of every table, unpacked: on disk long values are compressed."""
    found = {}
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "select schemaname, tablename from pg_tables "
            "where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            rows = sql.SQL("copy (select * from {}) to stdout (format binary)").format(
                sql.Identifier(schema, table)
            )
            with connection.cursor().copy(rows) as copied:
                count = found_in(b"".join(map(bytes, copied)))
            if count:
                found[f"{schema}.{table}"] = count
    return found
