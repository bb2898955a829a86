"""A scan of the log: everything up to a position by the customers of that position, part by part.

It goes by ranges of positions, so that little is sorted and no transaction stays open.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, LiteralString
from uuid import UUID

from domain.shared.depth import Depth, Depths
from domain.shared.events import FACTS, Event, Fact
from domain.shared.personal import Sealer
from infra.event_store.codec import COLUMNS, event_of

SCANNED: Final = 5_000
"""Facts that a scan holds at once, about; four times as many take 120 MB more and no less time."""
_WIDEST: Final = 100_000

_BYTE: Final = 256

_COLUMNS: Final = ", ".join(f"f.{c.strip()}" for c in COLUMNS.split(",")[:-1])
_SCAN: Final = f"""
select {_COLUMNS}, {{body}}, coalesce(m.customer, f.origin)
from log.fact f
left join log.membership m
  on m.identity = f.origin and m.since <= %(upto)s and (m.until is null or m.until > %(upto)s)
where f.position > %(after)s and f.position <= %(until)s and {{kinds}}
  and {{mine}} and (f.origin is not null or f.type not like 'activity.%%')
order by f.position
"""  # noqa: S608  # made of constants
_UNREAD: Final = "case when f.type <> all(%(unread)s) or f.type_version > %(known)s then f.body end"
_KINDS: Final = "(f.type <> all(%(left)s) or f.type_version > %(known)s)"


def _mine(of: int) -> str:
    """Return the condition for slots; cheaper than by `log.slot` where one byte tells them."""
    slot = f"log.slot(coalesce(m.customer, f.origin), {of})"
    if _BYTE % of == 0:
        slot = f"get_byte(uuid_send(coalesce(m.customer, f.origin)), 3) %% {of}"
    return f"(f.origin is null or {slot} = any(%(slots)s))"


class Scan:
    """What is asked of the log for some slots of `of`, as deep as one looks into each kind."""

    def __init__(self, slots: Sequence[int], of: int, depths: Depths) -> None:
        known = {name: depths[name] for name in depths.keys() & FACTS.keys()}
        left = [name for name, depth in known.items() if depth is Depth.NOTHING]
        unread = [name for name, depth in known.items() if depth is Depth.KIND]
        self._step = min(_WIDEST, max(1, SCANNED * of // max(1, len(set(slots)))))
        self._asked = {
            "slots": list(slots),
            "left": left,
            "unread": unread,
            "known": min((FACTS[name].version for name in (*left, *unread)), default=0),
        }
        self._query: LiteralString = _SCAN.format(
            mine=_mine(of) if len(set(slots)) < of else "true",
            kinds=_KINDS if left else "true",
            body=_UNREAD if unread else "f.body",
        )
        self._kinds: Mapping[str, Event] = {name: FACTS[name].unread for name in unread}
        self._closed = frozenset(n for n, depth in known.items() if depth is not Depth.WHOLE)
        self._opened = frozenset(
            n for n, s in FACTS.items() if s.personal and n not in self._closed
        )

    def ranges(self, after: int, upto: int) -> Iterator[tuple[LiteralString, dict[str, Any]]]:
        """Yield queries, and what they are asked with, for one range after the other."""
        for start in range(after, upto, self._step):
            until = min(start + self._step, upto)
            yield self._query, self._asked | {"after": start, "until": until, "upto": upto}

    def sealed(self, rows: Sequence[tuple[Any, ...]]) -> Collection[UUID]:
        """Return whose keys open what is sealed in rows and may be seen."""
        opened = self._opened
        origins = {row[7].int: row[7] for row in rows if row[3] in opened and row[7] is not None}
        return origins.values()

    def facts(
        self, rows: Sequence[tuple[Any, ...]], sealer: Sealer | None
    ) -> list[tuple[UUID | None, Fact]]:
        """Return rows as customers and facts."""
        kinds, closed = self._kinds, self._closed
        seen = []
        for (
            position,
            stream,
            version,
            type_,
            type_version,
            shop,
            source,
            origin,
            subject,
            occurred_at,
            recorded_at,
            actor_kind,
            actor_id,
            correlation,
            causation,
            body,
            customer,
        ) in rows:
            if body is None:
                event = kinds[type_]
            else:
                opener = None if type_ in closed else sealer
                event = event_of(type_, type_version, body, stream, origin, opener)
            fact = Fact(
                position,
                stream,
                version,
                type_,
                shop,
                source,
                origin,
                subject,
                occurred_at,
                recorded_at,
                actor_kind,
                actor_id,
                correlation,
                causation,
                event,
            )
            seen.append((customer, fact))
        return seen
