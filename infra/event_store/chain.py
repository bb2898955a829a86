"""The chain: SHA-256 over each batch and the one before, made again from the rows as they stand."""

import hashlib
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from itertools import chain, islice
from typing import Annotated, Final, NamedTuple

import msgspec

from infra.event_store.codec import COLUMNS, COPY_HEADER, COPY_TRAILER, microseconds, recorded_of
from infra.postgres import Connection

_COPY: Final = (
    f"copy (select {COLUMNS} from log.fact where position > %s and position <= %s "  # noqa: S608  # a constant
    "order by position) to stdout (format binary)"
)
_HEAD: Final = "select coalesce(max(position), 0) from log.batch"
_BATCHES: Final = (
    "select position, recorded_at, facts, chain from log.batch "
    "where position > %s and position <= %s order by position limit %s"
)
_FOUND: Final = "select count(*) from log.fact where position > %s and position <= %s"
_MISSING: Final = """
select wanted from generate_series(%s::bigint, %s::bigint) wanted
where not exists (select from log.fact where position = wanted) order by wanted limit 5
"""
_ACTORS: Final = """
select distinct actor_kind || ' ' || actor_id from log.fact
where position > %s and position <= %s order by 1 limit 20
"""
_LOOSE: Final = """
select min(position), max(position), min(recorded_at) from log.fact
where position > (select coalesce(max(position), 0) from log.batch)
"""
_AT_ONCE: Final = 10_000
_FACTS: Final = 50_000
"""How many batches and facts are asked for at once; of a batch that has more, all."""

_LOWEST: Final = -(2**63)

Hash = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
"""In hexadecimal."""

Row = bytes | bytearray | memoryview
"""The canonical bytes of a fact."""


class Mark(NamedTuple):
    """A place in the log, and the chain that vouches for all before it."""

    position: int
    chain: bytes


BEGINNING: Final = Mark(0, bytes(32))


class Break(msgspec.Struct, frozen=True):
    """The first batch that is not as it was recorded: its positions, when, by whom, and why."""

    first: int
    last: int
    recorded_at: datetime | None
    actors: tuple[str, ...]
    kind: str
    why: str

    def __str__(self) -> str:
        when = f", recorded {self.recorded_at:%Y-%m-%d %H:%M:%S} UTC" if self.recorded_at else ""
        actors = f", by {', '.join(self.actors)}" if self.actors else ""
        return f"positions {self.first:,} to {self.last:,}{when}{actors}: {self.why}"


class _Batch(NamedTuple):
    position: int
    recorded_at: datetime
    facts: int
    chain: bytes


def first_break(connection: Connection) -> Break | None:
    """Return the first batch that is not as it was recorded, None when the log is whole."""
    found = follow(connection)
    return found if isinstance(found, Break) else None


def follow(
    connection: Connection,
    after: Mark = BEGINNING,
    *,
    sealed: Mapping[int, bytes] | None = None,
    upto: int | None = None,
    tell: Callable[[int, int], None] | None = None,
    see: Callable[[Sequence[Row]], None] | None = None,
) -> Mark | Break:
    """Make the chain again from `after`, which is trusted; return where it ends, or its break.

    Reads every row, in order, up to where the log ends now (or to `upto`, a batch's end): what is
    written meanwhile is left. `sealed`: what the chain must be at these positions. `tell` is told
    the position reached and the last one; `see` is given the canonical rows of each batch that
    follows.
    """
    return _Follower(connection, after, sealed or {}, see).follow(upto, tell)


class _Follower:
    def __init__(
        self,
        connection: Connection,
        after: Mark,
        sealed: Mapping[int, bytes],
        see: Callable[[Sequence[Row]], None] | None,
    ) -> None:
        self._connection = connection
        self._at = after
        self._seals = sorted(mark for mark in sealed.items() if mark[0] > after.position)
        self._kept = after.position
        """The last position up to which a seal agreed."""
        self._see = see

    def follow(self, upto: int | None, tell: Callable[[int, int], None] | None) -> Mark | Break:
        row = self._connection.execute(_HEAD).fetchone()
        assert row is not None
        head = row[0] if upto is None else upto
        while batches := self._next(head):
            broken = self._through(batches)
            if broken is not None:
                return broken
            if tell is not None:
                tell(self._at.position, head)
        if self._seals:
            return self._against_seal(self._seals[0][0], "shortened", "the log ends before a seal")
        return (self._loose() if upto is None else None) or self._at

    @property
    def _floor(self) -> int:
        """Return what all rows that are next are above: of the first, any number there is."""
        return self._at.position or _LOWEST

    def _next(self, head: int) -> list[_Batch]:
        asked = (self._floor, head, _AT_ONCE)
        # never prepared: a plan for any bounds would read the whole table
        found = self._connection.execute(_BATCHES, asked, binary=True, prepare=False)
        batches = [_Batch(*row) for row in found]
        return [b for b in batches if b.position <= self._at.position + _FACTS] or batches[:1]

    def _through(self, batches: Sequence[_Batch]) -> Break | None:
        broken: _Batch | None = None
        with closing(_rows(self._connection, self._floor, batches[-1].position)) as rows:
            for batch in batches:
                own = list(islice(rows, max(0, batch.facts)))
                digest = hashlib.sha256(b"".join((self._at.chain, *own))).digest()
                whole = (
                    digest == batch.chain
                    and batch.position - self._at.position == batch.facts == len(own)
                    and recorded_of(own[-1]) == microseconds(batch.recorded_at)
                    and (batch is not batches[-1] or next(rows, None) is None)
                )
                if not whole:
                    broken = batch
                    break
                if self._seals and (other := self._unlike_seal(batch)):
                    return other
                self._at = Mark(batch.position, digest)
                if self._see is not None:
                    self._see(own)
            else:
                return None
        return self._look(broken)

    def _unlike_seal(self, batch: _Batch) -> Break | None:
        position, sealed = self._seals[0]
        if batch.position < position:
            return None
        if batch.position > position or batch.chain != sealed:
            why = "the chain was made anew: it is not the one that was sealed"
            return self._against_seal(position, "rewritten", why)
        self._kept = position
        del self._seals[0]
        return None

    def _against_seal(self, position: int, kind: str, why: str) -> Break:
        told = f"{why}, which stands at position {position:,}" if kind == "shortened" else why
        return Break(self._kept + 1, position, None, (), kind, told)

    def _look(self, batch: _Batch) -> Break:
        """Say of a batch that does not follow what can be said of it."""
        floor, expected = self._floor, batch.position - self._at.position
        row = self._connection.execute(_FOUND, (floor, batch.position)).fetchone()
        assert row is not None
        found = row[0]
        if expected <= 0:
            kind, why = "batch", "it stands before the log's first fact: it was put in"
        elif found < expected:
            positions = (self._at.position + 1, batch.position)
            missing = [str(row[0]) for row in self._connection.execute(_MISSING, positions)]
            kind, why = "removed", f"{expected - found:,} facts are gone: {', '.join(missing)}"
            why += " …" if expected - found > len(missing) else ""
        elif found > expected:
            kind, why = "inserted", f"{found - expected:,} facts are there that were not recorded"
        elif expected != batch.facts:
            kind = "batch"
            why = f"it says it has {batch.facts:,} facts: a batch was removed, or its row changed"
        else:
            kind, why = "changed", "a fact was changed, put in or moved; or the batch's own row was"
        actors = tuple(r[0] for r in self._connection.execute(_ACTORS, (floor, batch.position)))
        first = min(self._at.position + 1, batch.position)
        return Break(first, batch.position, batch.recorded_at, actors, kind, why)

    def _loose(self) -> Break | None:
        """Look for facts after the last batch, which no batch vouches for."""
        row = self._connection.execute(_LOOSE).fetchone()
        assert row is not None
        first, last, recorded_at = row
        if first is None:
            return None
        actors = tuple(r[0] for r in self._connection.execute(_ACTORS, (first - 1, last)))
        why = "these facts belong to no batch: they were put in, or their batch was removed"
        return Break(first, last, recorded_at, actors, "loose", why)


def _rows(connection: Connection, after: int, upto: int) -> Generator[Row, None, None]:
    """Yield the binary COPY tuple of each fact, in order: PostgreSQL sends one a message."""
    with connection.cursor().copy(_COPY, (after, upto)) as copy:
        blocks = iter(copy)
        first = bytes(next(blocks, b"")).removeprefix(COPY_HEADER)
        for row in chain((first,), blocks):
            if len(row) > len(COPY_TRAILER):
                yield row
