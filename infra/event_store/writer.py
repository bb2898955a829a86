"""The one writer of a process: appends wait in a queue and are committed together."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import Final
from uuid import UUID

import psycopg
import structlog

from domain.shared.events import Fact
from domain.shared.log import Append, LogFull, LogLost, LogUnavailable, Receipt
from infra.event_store.attempt import Attempt, Nobodys
from infra.event_store.line import Line, size_of
from infra.event_store.reader import LogReader
from infra.event_store.room import Room
from infra.event_store.state import begin, read_state, was_made
from infra.event_store.waiting import Share, Together, Waiter, Waiting, refuse
from infra.event_store.writing import Writing
from infra.postgres import PATIENCE_SECONDS, WRITER, Connection, connect_impatient
from infra.sealing import PersonKeys

_TIMEOUTS_SINCE: Final = 170_000
"""The version of Postgres that knows transaction_timeout."""
_BOUND: Final = f"{PATIENCE_SECONDS:.0f}s"
_DURABLE: Final = (
    "select set_config('synchronous_commit', 'on', false) "
    "where current_setting('synchronous_commit') = 'off'"
)
"""What was accepted is on disk, whatever the server's own setting."""

_LOST: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.TransactionTimeout,  # none of those, though it ends the connection
)

_MOST_BYTES: Final = 16_000_000
"""Of what waits, about as much is committed together."""

Watch = Callable[[int, int, float], None]

log = structlog.get_logger()


class EventLog:
    """The log: `submit` queues, one thread commits what waits, together, in one transaction.

    `most_facts`: facts in one transaction; `most_waiting`, `most_bytes`: appends that may wait, and
    what they may take, before `submit` refuses with LogUnavailable; `patience`: seconds that a lost
    server is waited for.
    """

    def __init__(
        self,
        url: str,
        keys: PersonKeys,
        *,
        most_facts: int = 5_000,
        most_waiting: int = 50_000,
        most_bytes: int = 100_000_000,
        patience: float = 5.0,
        watch: Watch | None = None,
        nobodys: Nobodys | None = None,
    ) -> None:
        """`nobodys`: what to record instead of a message of somebody forgotten; None: refuse it."""
        self._url = url
        self._nobodys = nobodys
        self._keys = keys
        self._most_facts = most_facts
        self._patience = patience
        self._watch = watch
        self._line = Line(most_waiting, most_bytes)
        self._held: list[Waiting] = []
        self._connection: Connection | None = None
        self._head = 0
        self._room = Room()
        self.reader = LogReader(url, keys)
        self._writing = Writing()
        self._closing = False
        self._ended = False
        self._thread = threading.Thread(target=self._work, name="huike-log", daemon=True)
        self._thread.start()

    # ---- the door

    def submit(self, append: Append) -> "Future[Receipt]":
        future: Future[Receipt] = Future()
        self._put([(append, future)])
        return future

    def submit_all(self, appends: Sequence[Append]) -> "Future[list[Receipt | Exception]]":
        """Queue several, each kept or refused for itself; all are answered at once."""
        future: Future[list[Receipt | Exception]] = Future()
        future.set_running_or_notify_cancel()  # who gives up waiting cancels nothing
        self.ask(appends, future.set_result)
        return future

    def ask(
        self, appends: Sequence[Append], tell: Callable[[list[Receipt | Exception]], None]
    ) -> None:
        """Queue several, as `submit_all`; `tell` is called once, in whichever thread, quickly."""
        together = Together(len(appends), tell)
        self._put([(append, Share(together, n)) for n, append in enumerate(appends)])

    def append(self, append: Append) -> Receipt:
        waiter = Waiter()
        self._put([(append, waiter)])
        return waiter.result()

    def _put(self, asked: Sequence[Waiting]) -> None:
        for append, _ in asked:
            for draft in append.facts:
                if draft.stream is None and (
                    draft.who is None or (draft.who.user is None and draft.who.anonymous is None)
                ):
                    msg = f"{draft.event.stored.name} names neither a stream nor a person"
                    raise ValueError(msg)
        if self._closing or not self._line.put(asked):
            for _, asker in asked:
                asker.set_exception(LogUnavailable())
        elif self._ended:  # while these were put there
            self._refuse_what_waits()

    def stream(self, stream: UUID) -> Sequence[Fact]:
        return self.reader.stream(stream)

    def streams(self, streams: Sequence[UUID]) -> Mapping[UUID, Sequence[Fact]]:
        return self.reader.streams(streams)

    def customer_of(self, identity: UUID) -> UUID:
        return self.reader.customer_of(identity)

    def shop_of(self, identity: UUID) -> str | None:
        return self.reader.shop_of(identity)

    def forgotten(self, identities: Collection[UUID]) -> set[UUID]:
        return self._keys.forgotten(identities)

    def answered(self, key: bytes, request: bytes) -> Receipt | None:
        return self.reader.answered(key, request)

    @property
    def waiting(self) -> int:
        """How many appends wait to be committed."""
        return len(self._line)

    @property
    def waiting_bytes(self) -> int:
        """About how many bytes they take."""
        return self._line.bytes

    def close(self) -> None:
        """Commit what waits, then stop."""
        if self._closing:
            return
        self._closing = True
        self._line.end()
        self._thread.join()
        self.reader.close()

    # ---- the thread

    def _work(self) -> None:
        try:
            while (batch := self._gather()) is not None:
                try:
                    self._commit_or_refuse(batch)
                except Exception:  # a mistake of ours; whoever comes next must not wait for ever
                    log.exception("log.failed", waiting=len(batch))
                    refuse(batch, LogLost())
        finally:
            self._ended = True
            self._refuse_what_waits()
            self._disconnect()

    def _refuse_what_waits(self) -> None:
        """Answer what was queued when nobody commits any more."""
        with contextlib.suppress(queue.Empty):
            while True:
                waiting = self._line.take(wait=False)
                if waiting is not None and waiting[1].set_running_or_notify_cancel():
                    refuse([waiting], LogUnavailable())

    def _gather(self) -> list[Waiting] | None:
        """Take what waits, up to a batch; two with one idempotency key never share a batch."""
        held, self._held = self._held, []
        batch = [w for w in held if w[1].set_running_or_notify_cancel()]
        facts = size = 0
        keys: set[bytes] = set()
        while facts < self._most_facts and size < _MOST_BYTES:
            try:
                waiting = self._line.take(wait=not batch)
            except queue.Empty:
                break
            if waiting is None:
                self._closing = True
                if not batch:
                    return None
                self._line.end()
                break
            append, future = waiting
            size += size_of(append)
            idempotency = append.idempotency
            if idempotency is not None and idempotency.key in keys:
                self._held.append(waiting)
            elif future.set_running_or_notify_cancel():  # it cannot be cancelled any more
                batch.append(waiting)
                facts += len(append.facts)
                if idempotency is not None:
                    keys.add(idempotency.key)
        return batch

    def _commit_or_refuse(self, batch: list[Waiting]) -> None:
        """Commit; wait for a lost server; split a batch that fails until only the bad one fails."""
        deadline = time.monotonic() + self._patience
        attempt = Attempt(batch)
        while True:
            try:
                if attempt.sent and not was_made(self._connect(), attempt.last, attempt.token):
                    attempt = Attempt(attempt.batch, attempt.done)
                if not attempt.sent:
                    self._commit(attempt)
            except _LOST as error:
                self._disconnect()
                log.warning("log.lost", error=str(error), waiting=len(batch))
                if isinstance(error, psycopg.errors.DiskFull) or time.monotonic() >= deadline:
                    attempt.fail(_refusal_of(error, sent=attempt.sent))
                    return
                time.sleep(0.05)
            except Exception as error:
                self._disconnect()
                batch = attempt.batch
                if len(batch) <= 1:
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
                if self._watch is not None:
                    self._watch(len(attempt.batch), len(attempt.plan.facts), attempt.seconds)
                return

    def _connect(self) -> Connection:
        if self._connection is None or self._connection.closed:
            connection = connect_impatient(self._url, WRITER)
            modern = connection.info.server_version >= _TIMEOUTS_SINCE
            # a writer that is stopped half-way must not hold the lock for ever
            which = "transaction_timeout" if modern else "statement_timeout"
            connection.execute("select set_config(%s, %s, false)", (which, _BOUND))
            connection.execute(_DURABLE)
            self._connection = connection
        return self._connection

    def _disconnect(self) -> None:
        """Close what may be broken; keys that no commit followed may be lost with it."""
        self._keys.doubt()
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
        self._connection = None

    # ---- one batch

    def _commit(self, attempt: Attempt) -> None:
        began = time.perf_counter()
        connection = self._connect()
        self._room.ensure(connection, self._head)
        attempt.make_keys(self._keys)
        last, state = begin(connection, [append for append, _ in attempt.batch])
        moment = last.now if last.recorded_at is None else max(last.now, last.recorded_at)
        attempt.base = self._head = last.position
        while not (
            attempt.plan_on(state, self._keys, self._nobodys)
            and attempt.seal_originals(moment, self._keys)
        ):
            state = read_state(connection, [append for append, _ in attempt.batch])
        plan = attempt.plan
        attempt.sent = bool(plan.facts)
        if plan.facts or plan.remembered:
            self._writing.write(connection, attempt, moment, last.chain or bytes(32))
            self._keys.settle()
        else:
            connection.execute("rollback")
        attempt.sent = True
        attempt.seconds = time.perf_counter() - began


def _refusal_of(error: Exception, *, sent: bool) -> LogUnavailable:
    if isinstance(error, psycopg.errors.DiskFull):
        return LogFull()
    return LogLost() if sent else LogUnavailable()
