"""Finds facts for auditors: by range, type, stream, person, actor, correlation and time."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec

from domain.shared.events import FACTS, Fact
from infra.event_store.codec import COLUMNS, fact_of
from infra.postgres import Pool
from infra.sealing import PersonKeys

_WINDOW: Final = 100_000
_AT_ONCE: Final = 2_000
_SECONDS: Final = 2.0

_BOUNDS: Final = """
select coalesce((select max(position) from log.batch), 0),
       coalesce((select max(position) from log.batch where recorded_at < %(since)s), 0),
       coalesce((select max(position) from log.batch where recorded_at < %(until)s), 0)
"""
_FILTERS: Final[dict[str, LiteralString]] = {
    "types": "type = any(%(types)s)",
    # behaviour is not in the index of streams: it is found by whose it is
    "streams": "stream = any(%(streams)s) and (type not like 'activity.%%' or origin = any("
    "array(select origin from log.stream where id = any(%(streams)s))))",
    "origins": "origin = any(%(origins)s)",
    "actor": "actor_id = %(actor)s",
    "correlation": "correlation = %(correlation)s",
    "causation": "causation = %(causation)s",
    "shop": "shop = %(shop)s",
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which facts: all that are given must hold. Positions: above `after`, up to `upto`.

    `since` and `until` are of recording, half-open.
    """

    after: int = 0
    upto: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    types: tuple[str, ...] | None = None
    streams: tuple[UUID, ...] | None = None
    origins: tuple[UUID, ...] | None = None
    actor: str | None = None
    correlation: str | None = None
    causation: UUID | None = None
    shop: str | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A page of facts. `next`: what to ask `after` for more, None when everything was seen."""

    facts: Sequence[Fact]
    next: int | None


class FactSearch:
    """Searches the log. With `opened`, personal fields are opened; else they are ERASED."""

    def __init__(
        self, pool: Pool, sealer: PersonKeys, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pool = pool
        self._sealer = sealer
        self._clock = clock

    def page(self, wanted: Wanted, limit: int, *, opened: bool) -> Found:
        """Return at most `limit` facts; fewer, and where to go on, when the search took long."""
        facts: list[Fact] = []
        deadline = self._clock() + _SECONDS
        after, upto = self._bounds(wanted)
        while after < upto and len(facts) < limit and self._clock() < deadline:
            room = limit - len(facts)
            found, after = self._next(wanted, after, upto, room, opened=opened)
            facts += found
        return Found(facts=facts, next=after if after < upto else None)

    def every(self, wanted: Wanted, *, opened: bool) -> Iterator[Fact]:
        """Yield all, a bounded number of them in memory."""
        after, upto = self._bounds(wanted)
        while after < upto:
            found, after = self._next(wanted, after, upto, _AT_ONCE, opened=opened)
            yield from found

    def story(
        self, origins: Sequence[UUID], types: Sequence[str] | None, upto: int
    ) -> Iterator[Fact]:
        """Yield the facts of these identities, opened, in order; types None: of all."""
        asked = None if types is None else tuple(types)
        return self.every(Wanted(origins=tuple(origins), types=asked, upto=upto), opened=True)

    def is_there(self, origins: Sequence[UUID]) -> bool:
        """Tell whether any fact began with one of these identities."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "select exists (select from log.fact where origin = any(%s))", (list(origins),)
            ).fetchone()
        return row is not None and bool(row[0])

    def count(self, wanted: Wanted) -> int:
        """Return how many there are."""
        after, upto = self._bounds(wanted)
        asked, filters = _filters(wanted)
        number = 0
        while after < upto:
            end = min(after + _WINDOW, upto)
            with self._pool.connection() as connection:
                row = connection.execute(
                    "select count(*) from log.fact where position > %(after)s"  # noqa: S608  # constants
                    f" and position <= %(end)s{filters}",
                    {**asked, "after": after, "end": end},
                ).fetchone()
            number += row[0] if row else 0
            after = end
        return number

    def _bounds(self, wanted: Wanted) -> tuple[int, int]:
        with self._pool.connection() as connection:
            row = connection.execute(
                _BOUNDS, {"since": wanted.since, "until": wanted.until}
            ).fetchone()
        assert row is not None
        head, before_since, before_until = row
        upto = min(head if wanted.upto is None else wanted.upto, head)
        return (
            max(wanted.after, before_since),
            upto if wanted.until is None else min(upto, before_until),
        )

    def _next(
        self, wanted: Wanted, after: int, upto: int, limit: int, *, opened: bool
    ) -> tuple[list[Fact], int]:
        """Return facts of the next window, and the position up to which everything was seen."""
        asked, filters = _filters(wanted)
        indexed = "streams" in asked or "origins" in asked
        end = upto if indexed else min(after + _WINDOW, upto)
        with self._pool.connection() as connection:
            rows = connection.execute(
                f"select {COLUMNS} from log.fact where position > %(after)s"  # noqa: S608  # constants
                f" and position <= %(end)s{filters} order by position limit %(limit)s",
                {**asked, "after": after, "end": end, "limit": limit},
                binary=True,
            ).fetchall()
        facts = self._facts(rows, opened=opened)
        return facts, (facts[-1].position if len(facts) == limit else end)

    def _facts(self, rows: Sequence[tuple[Any, ...]], *, opened: bool) -> list[Fact]:
        if not opened:
            return [fact_of(row, None) for row in rows]
        self._sealer.load(
            [r[7] for r in rows if r[7] is not None and r[3] in FACTS and FACTS[r[3]].personal]
        )
        return [fact_of(row, self._sealer) for row in rows]


def _filters(wanted: Wanted) -> tuple[dict[str, Any], str]:
    """Return the values that were given, and the conditions on a fact that they stand in."""
    asked = {k: v for k, v in msgspec.structs.asdict(wanted).items() if v is not None}
    for many in ("types", "streams", "origins"):
        if many in asked:
            asked[many] = list(asked[many])
    return asked, "".join(f" and {_FILTERS[name]}" for name in asked if name in _FILTERS)
