"""Reads the log in order: for views, for decisions and for auditors."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from domain.shared.depth import EVERYTHING, Depths
from domain.shared.events import FACTS, Fact
from domain.shared.log import Head, OtherRequest, Receipt
from domain.shared.personal import Sealer
from infra.event_store.codec import COLUMNS, fact_of
from infra.event_store.dealing import Pile, dealt
from infra.event_store.membership import NOW, customer_of, origins_of
from infra.event_store.scanning import SCANNED, Scan
from infra.postgres import WRITER, Connection, Pool, connect, pool
from infra.sealing import PersonKeys

LOCK: Final = 4_851_100
CHANNEL: Final = "huike_log"

_READ: Final = f"select {COLUMNS} from log.fact where position > %s order by position limit %s"  # noqa: S608  # a constant
_STREAM: Final = (
    f"select {COLUMNS} from log.fact where stream = any(%s) "  # noqa: S608  # a constant
    "and type not like 'activity.%%' order by position"
)
_ORIGINS: Final = (
    f"select {COLUMNS} from log.fact where origin = any(%s) and position <= %s "  # noqa: S608  # a constant
    "order by position"
)
OF_NOBODY: Final = (
    f"select {COLUMNS} from log.fact where origin is null and position <= %s "  # noqa: S608  # a constant
    "and type not like 'activity.%%' order by position"
)


class LogReader:
    """Reads facts, with personal fields opened when a sealer is given, ERASED otherwise."""

    def __init__(self, url: str, sealer: Sealer | None, *, pool_size: int = 4) -> None:
        self._url = url
        self.sealer = sealer
        self._pool: Pool = pool(url, WRITER, size=pool_size)

    def close(self) -> None:
        self._pool.close()

    def head(self) -> Head:
        with self._pool.connection() as connection, connection.transaction():
            # whoever holds the lock may already have taken its time: then only the past is sure
            idle = connection.execute(
                "select pg_try_advisory_xact_lock_shared(%s)", (LOCK,)
            ).fetchone()
            row = connection.execute(
                "select coalesce(max(position), 0), coalesce(max(recorded_at), to_timestamp(0)), "
                "clock_timestamp() "
                "from (select * from log.batch order by position desc limit 1) last"
            ).fetchone()
        assert idle is not None
        assert row is not None
        return Head(position=row[0], clock=max(row[1], row[2]) if idle[0] else row[1])

    def last(self) -> int:
        """Return the last position, 0 of an empty log; no writer waits for it, as for `head`."""
        with self._pool.connection() as connection:
            row = connection.execute("select coalesce(max(position), 0) from log.batch").fetchone()
        assert row is not None
        return int(row[0])

    def read(self, after: int, limit: int) -> Sequence[Fact]:
        return self._facts(_READ, (after, limit))

    def raw(self, after: int, limit: int) -> Sequence[tuple[Any, ...]]:
        """Return the next rows as they are stored: the columns of COLUMNS, nothing opened."""
        with self._pool.connection() as connection:
            return connection.execute(_READ, (after, limit), binary=True).fetchall()

    def incarnation(self) -> UUID:
        """Return which log this is."""
        with self._pool.connection() as connection:
            row = connection.execute("select incarnation from log.installation").fetchone()
        assert row is not None
        return UUID(str(row[0]))

    def stream(self, stream: UUID) -> Sequence[Fact]:
        """Return a stream's facts by version."""
        return self._facts(_STREAM, ([stream],))

    def streams(self, streams: Sequence[UUID]) -> Mapping[UUID, Sequence[Fact]]:
        """Return the facts of many streams, each by version."""
        found: dict[UUID, list[Fact]] = {}
        for fact in self._facts(_STREAM, (list(streams),)):
            found.setdefault(fact.stream, []).append(fact)
        return found

    def answered(self, key: bytes, request: bytes) -> Receipt | None:
        """Return what was answered under this key. Raises OtherRequest for another request."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "select request, position, answer from log.idempotency where key = %s", (key,)
            ).fetchone()
        if row is None:
            return None
        if row[0] != request:
            raise OtherRequest
        return Receipt(position=row[1], recorded=0, duplicate=True, answer=row[2])

    def scan(
        self,
        slots: Sequence[int],
        of: int,
        *,
        upto: int,
        after: int = 0,
        depths: Depths = EVERYTHING,
    ) -> Iterator[Sequence[tuple[UUID | None, Fact]]]:
        scan = Scan(slots, of, depths)
        for rows in self._scanned(scan, after, upto):
            yield self._shown(scan, rows)

    def deal(
        self,
        slots: Sequence[int],
        of: int,
        *,
        hands: int,
        upto: int,
        depths: Depths = EVERYTHING,
    ) -> Iterator[Iterator[Sequence[tuple[UUID | None, Fact]]]]:
        scan = Scan(slots, of, depths)
        with ExitStack() as stack:
            piles = [stack.enter_context(Pile()) for _ in range(hands - 1)]
            first = self._first(scan, piles, upto)
            yield first
            for _ in first:
                pass  # whoever had enough of it has the others still dealt
            for pile in piles:
                yield (self._shown(scan, rows) for rows in pile.read(SCANNED))
                pile.close()

    def _first(
        self, scan: Scan, piles: Sequence[Pile], upto: int
    ) -> Iterator[Sequence[tuple[UUID | None, Fact]]]:
        """Yield what the first hand is dealt, and put aside what the others are."""
        for rows in self._scanned(scan, 0, upto):
            mine, *others = dealt(rows, len(piles) + 1)
            for pile, theirs in zip(piles, others, strict=True):
                pile.add(theirs)
            if mine:
                yield self._shown(scan, mine)

    def _scanned(self, scan: Scan, after: int, upto: int) -> Iterator[Sequence[tuple[Any, ...]]]:
        for query, asked in scan.ranges(after, upto):
            with self._pool.connection() as connection:
                # never prepared: the plan depends on what is asked
                rows = connection.execute(query, asked, binary=True, prepare=False).fetchall()
            if rows:
                yield rows

    def _shown(
        self, scan: Scan, rows: Sequence[tuple[Any, ...]]
    ) -> Sequence[tuple[UUID | None, Fact]]:
        if isinstance(self.sealer, PersonKeys):
            self.sealer.load(scan.sealed(rows))
        return scan.facts(rows, self.sealer)

    def of_origins(self, origins: Sequence[UUID], *, upto: int) -> Sequence[Fact]:
        return self._facts(_ORIGINS, (list(origins), upto))

    def of_nobody(self, *, upto: int) -> Sequence[Fact]:
        return self._facts(OF_NOBODY, (upto,))

    def origins_of(self, customer: UUID, *, at: int) -> Sequence[UUID]:
        with self._pool.connection() as connection:
            return origins_of(connection, customer, at=at)

    def customer_of(self, identity: UUID, *, at: int | None = None) -> UUID:
        with self._pool.connection() as connection:
            return customer_of(connection, identity, at=NOW if at is None else at)

    def shop_of(self, identity: UUID) -> str | None:
        """Return the shop of the first fact that began with an identity; None without any."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "select shop from log.fact where origin = %s order by position limit 1", (identity,)
            ).fetchone()
        return row[0] if row else None

    def position_at(self, instant: datetime) -> int:
        with self._pool.connection() as connection:
            row = connection.execute(
                "select position from log.batch where recorded_at <= %s "
                "order by recorded_at desc, position desc limit 1",
                (instant,),
            ).fetchone()
        return row[0] if row else 0

    def _facts(self, query: str, asked: tuple[Any, ...]) -> Sequence[Fact]:
        with self._pool.connection() as connection:
            rows = connection.execute(query, asked, binary=True).fetchall()
        return self.facts_of(rows)

    def rows(
        self, query: LiteralString, asked: Sequence[Any], *, type_at: int, origin_at: int
    ) -> Sequence[tuple[Any, ...]]:
        """Return what a query of facts answers, the keys that open them at hand."""
        with self._pool.connection() as connection:
            rows = connection.execute(query, asked, binary=True).fetchall()
        self._load_keys((row[type_at], row[origin_at]) for row in rows)
        return rows

    def listen(self) -> Connection:
        """Open a connection that hears of each commit. The caller closes it."""
        connection = connect(self._url, WRITER)
        connection.execute(f"listen {CHANNEL}")
        return connection

    def facts_of(self, rows: Sequence[tuple[Any, ...]]) -> Sequence[Fact]:
        """Return rows, as `raw` gives them, as facts."""
        self._load_keys((row[3], row[7]) for row in rows)
        return [fact_of(row, self.sealer) for row in rows]

    def _load_keys(self, facts: Iterable[tuple[str, UUID | None]]) -> None:
        """Have the keys at hand of facts that are given by type and origin."""
        if isinstance(self.sealer, PersonKeys):
            personal = {name for name, stored in FACTS.items() if stored.personal}
            self.sealer.load([o for t, o in facts if o is not None and t in personal])
