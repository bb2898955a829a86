"""The access log's chain: SHA-256 over each read and the one before, made again from the rows."""

import hashlib
import struct
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Final, NamedTuple

import msgspec

from infra.event_store.chain import BEGINNING, Hash, Mark
from infra.event_store.codec import COPY_HEADER, COPY_TRAILER, instant, microseconds, octets, text
from infra.postgres import Connection

COLUMNS: Final = "id, at, actor, whom, shop, period, sealed, reason"
"""What is hashed of a read, in this order: as PostgreSQL's binary COPY has them."""

_LOCK: Final = "select pg_advisory_xact_lock(4851110)"
_HEAD: Final = """
select id, chain from (
  (select id, chain from log.access order by id desc limit 1) union all
  (select last, chain from log.access_destroyed order by last desc limit 1)
) as ends order by id desc limit 1
"""
_ADD: Final = f"copy log.access ({COLUMNS}, chain) from stdin (format binary)"
_READ: Final = (
    f"copy (select {COLUMNS}, coalesce(chain, '') from log.access "  # noqa: S608  # a constant
    "where id > %s order by id limit %s) to stdout (format binary)"
)
_CHAIN_OF: Final = "select chain from log.access where id = %s"
_FIRST: Final = "select min(id) from log.access where chain is not null"
_LAST: Final = "select coalesce(max(id), 0) from log.access"
_BEFORE: Final = "select count(*) from log.access where chain is null and id <= %s"
_AT_ONCE: Final = 10_000

_ID: Final = struct.Struct("!hiq")
_AT: Final = struct.Struct("!iq")
_CHAIN: Final = struct.pack("!i", 32)
_BYTEAS: Final = struct.Struct("!iiIii").pack
_BYTEA: Final = 17
_NOBODY: Final = octets(struct.pack("!iiI", 0, 0, _BYTEA))
_FIELDS: Final = COLUMNS.count(",") + 1


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Reads that were destroyed, from the first to the last, and the chain of the last."""

    first: int
    last: int
    chain: Hash


class ReadsBreak(msgspec.Struct, frozen=True):
    """The first reads that are not as they were written: their ids, when, and why."""

    first: int
    last: int
    at: datetime | None
    kind: str
    why: str

    def __str__(self) -> str:
        one = self.first == self.last
        which = f"read {self.first:,}" if one else f"reads {self.first:,} to {self.last:,}"
        when = f", written {self.at:%Y-%m-%d %H:%M:%S} UTC" if self.at else ""
        return f"{which} of the access log{when}: {self.why}"


class Followed(NamedTuple):
    """Where the chain of reads ends, how many it has, and how many there are from before it."""

    end: Mark
    reads: int
    before: int


def pack(  # noqa: PLR0913, PLR0917  # one column after the other
    at: datetime,
    actor: bytes,
    whom: Sequence[bytes] | None,
    shop: str,
    period: str,
    sealed: bytes,
    reason: bytes | None,
) -> bytes:
    """Return the columns of a read, but for its id."""
    return b"".join(
        (
            _AT.pack(8, microseconds(at)),
            octets(actor),
            octets(None) if whom is None else _several(whom),
            text(shop),
            text(period),
            octets(sealed),
            octets(reason),
        )
    )


def append(connection: Connection, reads: Iterable[bytes]) -> None:
    """Write packed reads behind the last one, chained, in one transaction. Raises psycopg.Error."""
    with connection.transaction():
        connection.execute(_LOCK)
        row = connection.execute(_HEAD).fetchone()  # a new statement: it sees what was locked out
        last, made = (row[0], row[1] or BEGINNING.chain) if row is not None else BEGINNING
        parts = [COPY_HEADER]
        for id_, packed in enumerate(reads, last + 1):
            made = _next(made, _ID.pack(_FIELDS, 8, id_) + packed)
            parts += (_ID.pack(_FIELDS + 1, 8, id_), packed, _CHAIN, made)
        parts.append(COPY_TRAILER)
        with connection.cursor().copy(_ADD) as copy:
            copy.write(b"".join(parts))


def follow(
    connection: Connection,
    after: Mark = BEGINNING,
    *,
    sealed: Mapping[int, bytes] | None = None,
    destroyed: Callable[[], Iterable[Run]] = tuple,
) -> Followed | ReadsBreak:
    """Make the chain of reads again from `after`, which is trusted, up to where it ends now.

    `sealed`: what the chain must be at these reads. `destroyed` reads, of the same snapshot, which
    of them need not be there. Other connections write on meanwhile.
    """
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        return _Follower(connection, after, sealed or {}, destroyed()).follow()


class _Follower:
    def __init__(
        self,
        connection: Connection,
        after: Mark,
        sealed: Mapping[int, bytes],
        destroyed: Iterable[Run],
    ) -> None:
        self._connection = connection
        self._at = after
        self._reads = 0
        self._seals = sorted(mark for mark in sealed.items() if mark[0] > after.position)
        self._runs = sorted(destroyed, key=lambda run: run.first, reverse=True)

    def follow(self) -> Followed | ReadsBreak:
        if self._at == BEGINNING:
            self._begin()
        elif not self._stands():
            last = self._at.position
            why = "it is not the one that was sealed, or is gone"
            return ReadsBreak(last, last, None, "rewritten", why)
        begins = self._at.position
        while rows := list(_rows(self._connection, self._at.position)):
            for row in rows:
                if (found := self._through(row)) is not None:
                    return found
        if (found := self._skip()) is not None:
            return found
        if self._seals:
            last = self._seals[-1][0]
            first = min(self._at.position + 1, last)
            why = "they were sealed, and are gone: the access log ends before a seal"
            return ReadsBreak(first, last, None, "shortened", why)
        before = self._connection.execute(_BEFORE, (begins,)).fetchone()
        assert before is not None
        end = self._at if self._at.chain != BEGINNING.chain else BEGINNING
        return Followed(end, self._reads, before[0])

    def _begin(self) -> None:
        """Stand before the first read that was chained, or was and is destroyed."""
        row = self._connection.execute(_FIRST).fetchone()
        known = [row[0]] if row is not None and row[0] is not None else []
        known += [run.first for run in self._runs[-1:]]
        if known:
            self._at = Mark(min(known) - 1, BEGINNING.chain)
        else:
            row = self._connection.execute(_LAST).fetchone()
            assert row is not None
            self._at = Mark(row[0], BEGINNING.chain)

    def _stands(self) -> bool:
        """Tell whether the read that it begins with is still there, or is rightly gone."""
        position, sealed = self._at
        row = self._connection.execute(_CHAIN_OF, (position,)).fetchone()
        if row is None:
            return any(run.first <= position <= run.last for run in self._runs)
        return bool(row[0] == sealed)

    def _through(self, row: bytes) -> ReadsBreak | None:
        if (found := self._skip()) is not None:
            return found
        id_, expected = int(_ID.unpack_from(row)[2]), self._at.position + 1
        when = instant(_AT.unpack_from(row, _ID.size)[1])
        if id_ > expected:
            why = "it is gone" if id_ - 1 == expected else f"{id_ - expected:,} are gone"
            return ReadsBreak(expected, id_ - 1, None, "removed", why)
        chained = row[-36:-32] == _CHAIN
        if id_ < expected or not chained:
            return ReadsBreak(id_, id_, when, "inserted", "it was put in, or its hash removed")
        made = _next(self._at.chain, struct.pack("!h", _FIELDS) + row[2:-36])
        if made != row[-32:]:
            why = "it was changed, put in or moved; or what was before it was"
            return ReadsBreak(id_, id_, when, "changed", why)
        self._reads += 1
        return self._reach(Mark(id_, made))

    def _reach(self, mark: Mark) -> ReadsBreak | None:
        """Go on to a read; its chain must be that which was sealed."""
        first = self._at.position + 1
        self._at = mark
        while self._seals and self._seals[0][0] <= mark.position:
            position, sealed = self._seals.pop(0)
            if position == mark.position and sealed != mark.chain:
                why = "the chain was made anew: it is not the one that was sealed"
                return ReadsBreak(min(first, position), position, None, "rewritten", why)
        return None

    def _skip(self) -> ReadsBreak | None:
        """Pass by what was destroyed where the chain stands; a seal within it is not asked."""
        while self._runs and self._runs[-1].first <= self._at.position + 1:
            run = self._runs.pop()
            if run.last <= self._at.position:
                continue
            if (found := self._reach(Mark(run.last, bytes.fromhex(run.chain)))) is not None:
                return found
        return None


def _next(before: bytes, row: bytes) -> bytes:
    return hashlib.sha256(before + row).digest()


def _several(parts: Sequence[bytes]) -> bytes:
    """Return a `bytea[]` as PostgreSQL sends it, with its length."""
    if not parts:
        return _NOBODY
    return octets(_BYTEAS(1, 0, _BYTEA, len(parts), 1) + b"".join(map(octets, parts)))


def _rows(connection: Connection, after: int) -> Generator[bytes, None, None]:
    """Yield the binary COPY tuple of each read, in order: PostgreSQL sends one a message."""
    with connection.cursor().copy(_READ, (after, _AT_ONCE)) as copy:
        blocks = iter(copy)
        first = bytes(next(blocks, b"")).removeprefix(COPY_HEADER)
        for row in chain((first,), blocks):
            if len(row) > len(COPY_TRAILER):
                yield bytes(row)
