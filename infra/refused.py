"""What was refused: kept sealed with its reason, so that people can look and send it again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

import msgspec
from psycopg.rows import class_row

from domain.shared.ids import Ids
from domain.shared.naming import identities_named
from domain.shared.refusals import NotFound
from infra.postgres import Connection, Pool
from infra.sealing import PersonKeys, RefusedEvent

_COLUMNS: Final = (
    "id, received_at, shop, source, door, reason, detail, place, correlation, resent_at, outcome"
)
_NAMES: Final = _COLUMNS.split(", ")

_CHUNK: Final = 500
_WALKED: Final = f"""
select {_COLUMNS}, period, sealed from log.refused
where (shop = %s or %s) and (received_at, id) > (%s::timestamptz, %s)
order by received_at, id limit {_CHUNK}
"""  # noqa: S608  # constants

Connect = Callable[[], AbstractContextManager[Connection]]
"""Gives a connection for as long as it is entered."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """One refused event: where it came in, why it was not taken, and what came of it since.

    `place` says where it stood: in a batch, or in a topic. `detail` never repeats what was sent.
    """

    id: UUID = msgspec.field(default_factory=uuid4)
    received_at: datetime
    shop: str
    source: str
    door: str
    reason: str
    detail: str
    place: str | None
    correlation: str
    resent_at: datetime | None = None
    outcome: str | None = None


class Packet(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What is sealed: the message as it was kept, and what its door meant by default."""

    message: bytes
    currency: str
    system: bool


class Refusals:
    """The refused events of one installation."""

    def __init__(self, pool: Pool, keys: PersonKeys, ids: Ids) -> None:
        self._pool = pool
        self._keys = keys
        self._ids = ids

    def keep(self, refused: Sequence[tuple[Refusal, Packet]]) -> frozenset[UUID]:
        """Keep refused events, but those that name somebody forgotten; return which are kept.

        Raises psycopg.OperationalError when the database is not there.
        """
        named = {
            it.id: identities_named(packet.message, self._ids, it.shop) for it, packet in refused
        }
        theirs = self._of_the_forgotten(named)
        taken = [(it, packet) for it, packet in refused if it.id not in theirs]
        if not taken:
            return frozenset()
        rows = [
            (
                it.id,
                it.received_at,
                it.shop,
                it.source,
                it.door,
                it.reason,
                it.detail,
                it.place,
                it.correlation,
                _month(it.received_at),
                sealed,
            )
            for (it, _), sealed in zip(taken, self._sealed(taken), strict=True)
        ]
        with self._pool.connection() as connection, connection.cursor() as cursor:
            cursor.executemany(
                "insert into log.refused (id, received_at, shop, source, door, reason, detail,"
                " place, correlation, period, sealed)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
                rows,
            )
        kept = {it.id for it, _ in taken}
        # who was purged while they were written is not looked for again
        late = self._of_the_forgotten({id_: named[id_] for id_ in kept})
        if late:
            self._keys.forget_refused(late)
            with self._pool.connection() as connection:
                connection.execute("delete from log.refused where id = any(%s)", (list(late),))
        return frozenset(kept - late)

    def _of_the_forgotten(self, named: Mapping[UUID, AbstractSet[UUID]]) -> set[UUID]:
        """Return the refused events that name, by an id, somebody who was forgotten."""
        everybody = set().union(*named.values())
        forgotten = self._keys.forgotten(everybody) if everybody else everybody
        return {id_ for id_, whom in named.items() if not forgotten.isdisjoint(whom)}

    def _sealed(self, refused: Sequence[tuple[Refusal, Packet]]) -> list[bytes]:
        """Seal what was sent, each under its own key and that of its month."""
        return self._keys.seal_refused(_events(refused))

    def seal_again(self, refused: Sequence[tuple[Refusal, Packet]]) -> list[bytes | None]:
        """Seal more of events that are kept; None for one that was purged meanwhile."""
        return self._keys.seal_refused_again(_events(refused))

    def page(self, *, after: UUID | None, reason: str | None, limit: int) -> list[Refusal]:
        """Return refused events, the latest first, beginning after one of them."""
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Refusal)) as cursor,
        ):
            cursor.execute(
                f"select {_COLUMNS} from log.refused"  # noqa: S608  # constant columns
                " where (%(reason)s::text is null or reason = %(reason)s)"
                " and (%(after)s::uuid is null or (received_at, id) <"
                " (select received_at, id from log.refused where id = %(after)s))"
                " order by received_at desc, id desc limit %(limit)s",
                {"after": after, "reason": reason, "limit": limit},
            )
            return cursor.fetchall()

    def find(self, id: UUID) -> Refusal:
        """Return one refused event. Raises NotFound."""
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Refusal)) as cursor,
        ):
            cursor.execute(f"select {_COLUMNS} from log.refused where id = %s", (id,))  # noqa: S608  # constant columns
            found = cursor.fetchone()
        if found is None:
            raise NotFound(what="refused event", id=id)
        return found

    def open(self, refused: Sequence[Refusal]) -> dict[UUID, Packet]:
        """Return what was sent, of those whose keys are still held."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "select id, shop, source, period, sealed from log.refused where id = any(%s)",
                ([it.id for it in refused],),
            ).fetchall()
        events = [RefusedEvent(*row) for row in rows]
        return {
            event.id: msgspec.msgpack.decode(plain, type=Packet)
            for event, plain in zip(events, self._keys.open_refused(events), strict=True)
            if plain is not None
        }

    def settle(self, id: UUID, outcome: str) -> Refusal:
        """Remember that it was sent again, and what came of it."""
        with self._pool.connection() as connection:
            connection.execute(
                "update log.refused set resent_at = %s, outcome = %s where id = %s",
                (datetime.now(UTC), outcome, id),
            )
        return self.find(id)


def walked(
    connect: Connect, keys: PersonKeys, shop: str, *, everywhere: bool = False
) -> Iterator[list[tuple[Refusal, bytes | None]]]:
    """Yield a shop's refused events, or all of them, some at a time, with what was sent.

    The earliest first; None where nothing opens it any more.
    """
    last: tuple[datetime | str, UUID] = ("-infinity", UUID(int=0))
    while True:
        with connect() as connection:
            rows = connection.execute(_WALKED, (shop, everywhere, *last)).fetchall()
        if not rows:
            return
        found = [Refusal(**dict(zip(_NAMES, row, strict=False))) for row in rows]
        events = [
            RefusedEvent(it.id, it.shop, it.source, period, sealed)
            for it, (*_, period, sealed) in zip(found, rows, strict=True)
        ]
        messages = [_message(plain) for plain in keys.open_refused(events)]
        yield list(zip(found, messages, strict=True))
        last = (found[-1].received_at, found[-1].id)


def _message(plain: bytes | None) -> bytes | None:
    return None if plain is None else msgspec.msgpack.decode(plain, type=Packet).message


def _events(refused: Sequence[tuple[Refusal, Packet]]) -> list[RefusedEvent]:
    return [
        RefusedEvent(
            it.id, it.shop, it.source, _month(it.received_at), msgspec.msgpack.encode(packet)
        )
        for it, packet in refused
    ]


def _month(moment: datetime) -> str:
    return f"{moment:%Y-%m}"
