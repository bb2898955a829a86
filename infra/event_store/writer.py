"""The one writer of a process: appends wait in a queue and are committed together."""

import contextlib
import hashlib
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
import structlog

from domain.shared.events import Fact
from domain.shared.log import Append, LogUnavailable, Receipt
from infra.event_store import codec
from infra.event_store.plan import Outcome, Plan
from infra.event_store.reader import CHANNEL, LOCK, LogReader
from infra.event_store.state import State, read_state
from infra.postgres import WRITER, Connection, connect
from infra.sealing import PersonKeys

PART: Final = 5_000_000
"""Facts in one partition, as `log.ensure_room` makes them."""

_LAST: Final = (
    "select coalesce(max(position), 0), clock_timestamp(), "
    "(array_agg(recorded_at))[1], (array_agg(chain))[1] "
    "from (select * from log.batch order by position desc limit 1) last"
)
_COPY_FACTS: Final = f"copy log.fact ({codec.COLUMNS}) from stdin (format binary)"
_COPY_ORIGINALS: Final = (
    "copy log.original (position, recorded_at, origin, shop, source, sealed) "
    "from stdin (format binary)"
)
_NEW_STREAMS: Final = (
    "insert into log.stream (id, version, origin, content) "
    "select * from unnest(%b::uuid[], %b::int4[], %b::uuid[], %b::bytea[])"
)
_MOVED_STREAMS: Final = (
    "update log.stream s set version = moved.version "
    "from unnest(%b::uuid[], %b::int4[], %b::uuid[], %b::bytea[]) "
    "as moved (id, version, origin, content) where s.id = moved.id"
)

Waiting = tuple[Append, "Future[Receipt]"]
Answered = tuple["Future[Receipt]", Receipt | Exception]
Watch = Callable[[int, int, float], None]

log = structlog.get_logger()


class Attempt:
    """One try at committing a batch; `sent` when its outcome may be durable."""

    def __init__(self, batch: list[Waiting], done: list[Answered] | None = None) -> None:
        self.batch = batch
        self.done: list[Answered] = done or []
        self.token = uuid4()
        self.plan = Plan(State())
        self.base = 0
        self.sealed: dict[Any, bytes] = {}
        self.sent = False

    def leave_out(self, bad: dict[int, Exception]) -> None:
        self.done.extend((future, bad[id(a)]) for a, future in self.batch if id(a) in bad)
        self.batch = [(a, future) for a, future in self.batch if id(a) not in bad]

    def answer(self) -> None:
        """Tell everybody what became of theirs."""
        for (_, future), outcome in zip(self.batch, self.plan.outcomes, strict=True):
            self.done.append(
                (future, outcome.error or outcome.receipt or _receipt(outcome, self.base))
            )
        for future, result in self.done:
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    def fail(self, error: Exception) -> None:
        self.done.extend((future, error) for _, future in self.batch)
        self.batch, self.plan = [], Plan(State())
        self.answer()


class EventLog:
    """The log: `submit` queues, one thread commits what waits, together, in one transaction.

    `most_facts`: facts in one transaction; `most_waiting`: appends that may wait before `submit`
    refuses with LogUnavailable; `patience`: seconds that a lost server is waited for.
    """

    def __init__(
        self,
        url: str,
        keys: PersonKeys,
        *,
        most_facts: int = 5_000,
        most_waiting: int = 50_000,
        patience: float = 5.0,
        watch: Watch | None = None,
    ) -> None:
        self._url = url
        self._keys = keys
        self._most_facts = most_facts
        self._patience = patience
        self._watch = watch
        self._queue: queue.Queue[Waiting | None] = queue.Queue(most_waiting)
        self._held: list[Waiting] = []
        self._connection: Connection | None = None
        self._room = 0
        self._room_month = ""
        self.reader = LogReader(url, keys)
        self._chunks: dict[Any, bytes] = {}
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="huike-log", daemon=True)
        self._thread.start()

    # ---- the door

    def submit(self, append: Append) -> "Future[Receipt]":
        future: Future[Receipt] = Future()
        for draft in append.facts:
            if draft.stream is None and (
                draft.who is None or not (draft.who.user or draft.who.anonymous)
            ):
                msg = f"{draft.event.stored.name} names neither a stream nor a person"
                raise ValueError(msg)
        if self._closing:
            future.set_exception(LogUnavailable())
            return future
        try:
            self._queue.put_nowait((append, future))
        except queue.Full:
            future.set_exception(LogUnavailable())
        return future

    def append(self, append: Append) -> Receipt:
        return self.submit(append).result()

    def stream(self, stream: UUID) -> Sequence[Fact]:
        return self.reader.stream(stream)

    def streams(self, streams: Sequence[UUID]) -> Mapping[UUID, Sequence[Fact]]:
        return self.reader.streams(streams)

    def answered(self, key: bytes, request: bytes) -> Receipt | None:
        return self.reader.answered(key, request)

    @property
    def waiting(self) -> int:
        """How many appends wait to be committed."""
        return self._queue.qsize()

    def close(self) -> None:
        """Commit what waits, then stop."""
        if self._closing:
            return
        self._closing = True
        self._queue.put(None)
        self._thread.join()
        self.reader.close()

    # ---- the thread

    def _work(self) -> None:
        while True:
            batch = self._gather()
            if batch is None:
                break
            self._commit_or_refuse(batch)
        if self._connection is not None:
            self._connection.close()

    def _gather(self) -> list[Waiting] | None:
        """Take what waits, up to a batch; two with one idempotency key never share a batch."""
        batch, self._held = self._held, []
        facts = 0
        keys: set[bytes] = set()
        while facts < self._most_facts:
            try:
                waiting = self._queue.get_nowait() if batch else self._queue.get()
            except queue.Empty:
                break
            if waiting is None:
                self._closing = True
                if not batch:
                    return None
                self._queue.put(None)
                break
            idempotency = waiting[0].idempotency
            if idempotency is not None:
                if idempotency.key in keys:
                    self._held.append(waiting)
                    continue
                keys.add(idempotency.key)
            batch.append(waiting)
            facts += len(waiting[0].facts)
        return batch

    def _commit_or_refuse(self, batch: list[Waiting]) -> None:
        """Commit; wait for a lost server; split a batch that fails until only the bad one fails."""
        deadline = time.monotonic() + self._patience
        attempt = Attempt(batch)
        while True:
            try:
                if attempt.sent and not self._arrived(attempt):
                    attempt = Attempt(attempt.batch, attempt.done)
                if not attempt.sent:
                    self._commit(attempt)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                self._disconnect()
                log.warning("log.lost", error=str(error), waiting=len(batch))
                if time.monotonic() >= deadline:
                    attempt.fail(LogUnavailable())
                    return
                time.sleep(0.05)
            except Exception as error:
                self._disconnect()
                batch = attempt.batch
                if len(batch) == 1:
                    log.exception("log.refused", error=str(error))
                    attempt.fail(error)
                    return
                half = len(batch) // 2
                Attempt([], attempt.done).answer()
                self._commit_or_refuse(batch[:half])
                self._commit_or_refuse(batch[half:])
                return
            else:
                attempt.answer()
                return

    def _arrived(self, attempt: "Attempt") -> bool:
        """Tell whether a commit whose answer was lost was made after all."""
        row = (
            self._connect()
            .execute(
                "select 1 from log.batch where position = %s and token = %s",
                (attempt.base + len(attempt.plan.facts), attempt.token),
            )
            .fetchone()
        )
        return row is not None

    def _connect(self) -> Connection:
        if self._connection is None or self._connection.closed:
            connection = connect(self._url, WRITER)
            if connection.info.server_version >= 170_000:  # noqa: PLR2004  # where it is known
                connection.execute("set transaction_timeout = '60s'")
            self._connection = connection
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
        self._connection = None

    # ---- one batch

    def _commit(self, attempt: "Attempt") -> None:
        began = time.perf_counter()
        connection = self._connect()
        plan = self._plan(connection, attempt)
        if any(o.error is None and o.receipt is None for o in plan.outcomes):
            self._make_room(connection, plan)
            with connection.transaction():
                with connection.pipeline():
                    connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
                    last = connection.execute(_LAST)
                row = last.fetchone()
                assert row is not None
                attempt.base, now, recorded_at, chain = row
                if attempt.base != plan.state.head:
                    plan = self._plan(connection, attempt)
                moment = now if recorded_at is None else max(now, recorded_at)
                if plan.facts or plan.remembered:
                    self._write(connection, attempt, moment, chain or bytes(32))
                attempt.sent = bool(plan.facts)
        attempt.sent = True
        if self._watch is not None:
            self._watch(len(attempt.batch), len(plan.facts), time.perf_counter() - began)

    def _plan(self, connection: Connection, attempt: "Attempt") -> Plan:
        """Plan and seal; an append whose facts cannot be sealed is answered and left out."""
        sealed = attempt.sealed
        while True:
            plan = attempt.plan = Plan(read_state(connection, [a for a, _ in attempt.batch]))
            for append, _ in attempt.batch:
                plan.add(append)
            self._keys.ensure(
                [f.origin for f in plan.facts if f.origin is not None and _needs_key(f)]
            )
            bad: dict[int, Exception] = {}
            for fact in plan.facts:
                name = (id(fact.append), id(fact.event), fact.origin)
                if name not in sealed:
                    try:
                        sealed[name] = fact.event.stored.encode(
                            fact.event, fact.stream, fact.origin, self._keys
                        )
                    except Exception as error:  # noqa: BLE001  # whatever it is, it is that append's
                        bad[id(fact.append)] = error
            if not bad:
                return plan
            attempt.leave_out(bad)

    def _write(
        self, connection: Connection, attempt: "Attempt", moment: datetime, chain: bytes
    ) -> None:
        plan, base = attempt.plan, attempt.base
        recorded = codec.microseconds(moment)
        head = base + len(plan.facts)
        if plan.facts:
            rows = self._pack(plan, base, recorded, attempt.sealed)
            digest = hashlib.sha256(chain)
            data = b"".join(rows)
            digest.update(data)
            with connection.cursor() as cursor:
                with cursor.copy(_COPY_FACTS) as copy:
                    copy.write(codec.COPY_HEADER + data + codec.COPY_TRAILER)
                originals = self._pack_originals(plan, base, recorded, moment)
                if originals:
                    with cursor.copy(_COPY_ORIGINALS) as copy:
                        copy.write(codec.COPY_HEADER + b"".join(originals) + codec.COPY_TRAILER)
        with connection.pipeline():
            self._keep_streams(connection, plan)
            self._keep_people(connection, plan, base)
            for append, outcome in plan.remembered:
                told = append.idempotency
                assert told is not None
                connection.execute(
                    "insert into log.idempotency values (%s, %s, %s, %s, %s)",
                    (told.key, told.request, _receipt(outcome, base).position, told.answer, moment),
                )
            if plan.facts:
                connection.execute(
                    "insert into log.batch (position, recorded_at, facts, token, chain) "
                    "values (%s, %s, %s, %s, %s)",
                    (head, moment, len(plan.facts), attempt.token, digest.digest()),
                )
                connection.execute("select pg_notify(%s, %s)", (CHANNEL, str(head)))

    def _pack(self, plan: Plan, base: int, recorded: int, sealed: dict[Any, bytes]) -> list[bytes]:
        rows = []
        position = base
        for fact in plan.facts:
            position += 1
            append = fact.append
            stored = fact.event.stored
            rows.append(
                codec.pack_fact(
                    position,
                    fact.stream,
                    fact.version,
                    self._chunk(
                        ("type", stored.name), codec.type_chunk, stored.name, stored.version
                    ),
                    self._chunk(
                        (append.shop, append.source), _two_texts, append.shop, append.source
                    ),
                    codec.uuid(fact.origin) + codec.uuid(fact.subject),
                    min(codec.microseconds(fact.occurred_at), recorded),
                    recorded,
                    self._chunk(
                        ("actor", append.actor.kind, append.actor.id),
                        _two_texts,
                        append.actor.kind,
                        append.actor.id,
                    )
                    + codec.text(append.correlation)
                    + codec.uuid(append.causation),
                    sealed[(id(append), id(fact.event), fact.origin)],
                )
            )
        return rows

    def _chunk(self, name: Any, make: Callable[..., bytes], *values: Any) -> bytes:
        chunk = self._chunks.get(name)
        if chunk is None:
            if len(self._chunks) > 10_000:  # noqa: PLR2004  # a bound, whatever names come
                self._chunks.clear()
            chunk = self._chunks[name] = make(*values)
        return chunk

    def _pack_originals(
        self, plan: Plan, base: int, recorded: int, moment: datetime
    ) -> list[bytes]:
        month = f"{moment:%Y-%m}"
        rows = []
        for outcome in plan.outcomes:
            append = outcome.append
            if append.message is None or outcome.error or outcome.receipt or not outcome.original:
                continue
            rows.append(
                codec.pack_original(
                    base + outcome.start + 1,
                    recorded,
                    outcome.original,
                    self._chunk(
                        (append.shop, append.source), _two_texts, append.shop, append.source
                    ),
                    self._keys.seal_original(
                        outcome.original,
                        append.message.original,
                        append.shop,
                        append.source,
                        month,
                    ),
                )
            )
        return rows

    @staticmethod
    def _keep_streams(connection: Connection, plan: Plan) -> None:
        for streams, query in (
            (plan.new_streams, _NEW_STREAMS),
            (plan.moved_streams, _MOVED_STREAMS),
        ):
            if streams:
                held = streams.values()
                columns = (
                    list(streams),
                    [s.version for s in held],
                    [s.origin for s in held],
                    [s.content for s in held],
                )
                connection.execute(query, columns)

    @staticmethod
    def _keep_people(connection: Connection, plan: Plan, base: int) -> None:
        for identity, customer, index in plan.joined:
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

    def _make_room(self, connection: Connection, plan: Plan) -> None:
        """Have the next partitions made before they are needed, at most once in half of one."""
        head = plan.state.head + len(plan.facts)
        month = time.strftime("%Y-%m", time.gmtime())
        if head < self._room and month == self._room_month:
            return
        connection.execute("select log.ensure_room(%s, now())", (head,))
        self._room = head + PART // 2
        self._room_month = month


def _needs_key(fact: Any) -> bool:
    return bool(fact.event.stored.personal) or fact.append.message is not None


def _receipt(outcome: Outcome, base: int) -> Receipt:
    recorded = outcome.end - outcome.start
    told = outcome.append.idempotency
    return Receipt(
        position=base + outcome.end if recorded else None,
        recorded=recorded,
        answer=told.answer if told is not None else None,
    )


def _two_texts(left: str, right: str) -> bytes:
    return codec.text(left) + codec.text(right)
