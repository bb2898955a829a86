"""Writes a planned batch: rows packed for COPY, the chain, streams, people and keys."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg

from infra import arrays
from infra.event_store import codec
from infra.event_store.attempt import Attempt, Original, receipt_of
from infra.event_store.plan import Plan
from infra.event_store.reader import CHANNEL
from infra.postgres import Connection

_COPY_FACTS: Final = f"copy log.fact ({codec.COLUMNS}) from stdin (format binary)"
_COPY_ORIGINALS: Final = (
    "copy log.original (position, recorded_at, origin, shop, source, sealed) "
    "from stdin (format binary)"
)
_INSERT_ORIGINALS: Final = (
    "insert into log.original (position, recorded_at, origin, shop, source, sealed) "
    "select position, %s, origin, shop, source, sealed from unnest(%b, %b, %s::text[], "
    "%s::text[], %b) as told (position, origin, shop, source, sealed)"
)
_INSERT_STREAMS: Final = (
    "insert into log.stream (id, version, origin, content) select * from unnest(%b, %b, %b, %b)"
)
_COPY_STREAMS: Final = "copy log.stream (id, version, origin, content) from stdin (format binary)"
_MOVED_STREAMS: Final = (
    "update log.stream s set version = moved.version "
    "from unnest(%b, %b) as moved (id, version) where s.id = moved.id"
)
_INSERT_BATCH: Final = (
    "with batch as (insert into log.batch (position, recorded_at, facts, token, chain) "
    "values (%s, %s, %s, %s, %s)) select pg_notify(%s, %s)"
)
_FEW: Final = 500
"""Facts up to which originals and streams are not copied: a COPY takes two round trips."""
_MOST_CHUNKS: Final = 10_000
_PACKED: Final = 250

Cursor = psycopg.Cursor[Any]


class Writing:
    """Writes attempts over one connection at a time; columns that recur are packed once."""

    def __init__(self) -> None:
        self._chunks: dict[Any, bytes] = {}

    def write(
        self, connection: Connection, attempt: Attempt, moment: datetime, chain: bytes
    ) -> None:
        """Write all that an attempt records, after `attempt.base`, and commit."""
        plan, base = attempt.plan, attempt.base
        few = len(plan.facts) <= _FEW
        originals = attempt.originals
        if plan.facts:
            with connection.cursor() as cursor:
                chain = self._copy_facts(cursor, attempt, moment, chain)
                if not few:
                    self._copy_originals(cursor, originals, moment)
                    _copy(cursor, _COPY_STREAMS, _pack_streams(plan))
        with connection.pipeline():
            if few:
                _insert_originals(connection, originals, moment)
                _insert_streams(connection, plan)
            _move_streams(connection, plan)
            _keep_people(connection, plan, base)
            _keep_answers(connection, plan, base, moment)
            if plan.facts:
                last = attempt.last
                connection.execute(
                    _INSERT_BATCH,
                    (last, moment, len(plan.facts), attempt.token, chain, CHANNEL, str(last)),
                )
            connection.execute("commit")

    def _copy_facts(
        self, cursor: Cursor, attempt: Attempt, moment: datetime, chain: bytes
    ) -> bytes:
        """Return the chain after them."""
        digest = hashlib.sha256(chain)
        recorded = codec.microseconds(moment)
        with cursor.copy(_COPY_FACTS) as copy:
            copy.write(codec.COPY_HEADER)
            for part in self._pack(attempt, recorded):  # it stores one while we pack the next
                copy.write(part)
                digest.update(part)
            copy.write(codec.COPY_TRAILER)
        return digest.digest()

    def _pack(self, attempt: Attempt, recorded: int) -> Iterator[bytes]:
        """Yield rows, many at a time; what facts of one append share is packed once."""
        rows: list[bytes] = []
        append = occurred_at = None
        source = cause = b""
        occurred = 0
        for position, fact in enumerate(attempt.plan.facts, attempt.base + 1):
            if fact.append is not append:
                append = fact.append
                source = self._chunk(codec.two_texts, append.shop, append.source)
                actor = self._chunk(codec.two_texts, append.actor.kind, append.actor.id)
                cause = actor + codec.text(append.correlation) + codec.uuid(append.causation)
            if fact.occurred_at is not occurred_at:
                occurred_at = fact.occurred_at
                occurred = min(codec.microseconds(occurred_at), recorded)
            stored = fact.event.stored
            origin, subject = fact.origin, fact.subject
            whose = codec.uuid(origin)
            whose += whose if subject is origin else codec.uuid(subject)
            rows.append(
                codec.pack_fact(
                    position,
                    fact.stream,
                    fact.version,
                    self._chunk(codec.type_chunk, stored.name, stored.version),
                    source,
                    whose,
                    occurred,
                    recorded,
                    cause,
                    fact.body,
                )
            )
            if len(rows) == _PACKED:
                yield b"".join(rows)
                rows.clear()
        yield b"".join(rows)

    def _copy_originals(
        self, cursor: Cursor, originals: Sequence[Original], moment: datetime
    ) -> None:
        recorded = codec.microseconds(moment)
        rows = [
            codec.pack_original(
                position, recorded, origin, self._chunk(codec.two_texts, shop, source), sealed
            )
            for position, origin, shop, source, sealed in originals
        ]
        _copy(cursor, _COPY_ORIGINALS, rows)

    def _chunk(self, make: Callable[..., bytes], *values: Any) -> bytes:
        name = (make, *values)
        chunk = self._chunks.get(name)
        if chunk is None:
            if len(self._chunks) > _MOST_CHUNKS:
                self._chunks.clear()
            chunk = self._chunks[name] = make(*values)
        return chunk


def _insert_originals(
    connection: Connection, originals: Sequence[Original], moment: datetime
) -> None:
    if originals:
        positions, origins, shops, sources, sealed = zip(*originals, strict=True)
        connection.execute(
            _INSERT_ORIGINALS,
            (
                moment,
                arrays.int8s(positions),
                arrays.uuids([origin.int for origin in origins]),
                list(shops),
                list(sources),
                arrays.byteas([codec.octets(one) for one in sealed]),
            ),
        )


def _insert_streams(connection: Connection, plan: Plan) -> None:
    streams = plan.new_streams
    if streams:
        connection.execute(
            _INSERT_STREAMS,
            (
                arrays.uuids(streams),
                arrays.int4s([held.version for held in streams.values()]),
                arrays.packed_uuids([codec.uuid(held.origin) for held in streams.values()]),
                arrays.byteas([codec.octets(held.content) for held in streams.values()]),
            ),
        )


def _copy(cursor: Cursor, query: LiteralString, rows: list[bytes]) -> None:
    if rows:
        with cursor.copy(query) as copy:
            copy.write(b"".join((codec.COPY_HEADER, *rows, codec.COPY_TRAILER)))


def _pack_streams(plan: Plan) -> list[bytes]:
    return [
        codec.pack_stream(number, held.version, held.origin, held.content)
        for number, held in plan.new_streams.items()
    ]


def _move_streams(connection: Connection, plan: Plan) -> None:
    moved = plan.moved_streams
    if moved:
        versions = arrays.int4s([held.version for held in moved.values()])
        connection.execute(_MOVED_STREAMS, (arrays.uuids(moved), versions))


def _keep_people(connection: Connection, plan: Plan, base: int) -> None:
    for identity, customer, index in plan.joined:
        connection.execute(
            "update log.membership set until = %s where identity = %s and until is null",
            (base + index + 1, identity),
        )
        connection.execute(
            "insert into log.membership (identity, customer, since) values (%s, %s, %s)",
            (identity, customer, base + index + 1),
        )
    for anonymous, identity, index in plan.redirected:
        connection.execute(
            "update log.redirect set until = %s where anonymous = %s and until is null",
            (base + index + 1, anonymous),
        )
        connection.execute(
            "insert into log.redirect (anonymous, identity, since) values (%s, %s, %s)",
            (anonymous, identity, base + index + 1),
        )


def _keep_answers(connection: Connection, plan: Plan, base: int, moment: datetime) -> None:
    for append, outcome in plan.remembered:
        told = append.idempotency
        assert told is not None
        connection.execute(
            "insert into log.idempotency values (%s, %s, %s, %s, %s)",
            (told.key, told.request, receipt_of(outcome, base).position, told.answer, moment),
        )
