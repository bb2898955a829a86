"""Which workers run, and (leases) which of them keeps which slots live when no Kafka deals them."""

import math
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

import psycopg
import structlog

from infra.postgres import VIEWS, Connection, connect_impatient

TTL_SECONDS: Final = 4.0
RENEW_SECONDS: Final = 1.0

_LOCK: Final = 4_851_203
_FORGOTTEN: Final = (
    "delete from views.worker where until "
    "not between clock_timestamp() and clock_timestamp() + make_interval(secs => %s)"
)
_TAKEN: Final = (
    "insert into views.lease "
    "select slot, %s, clock_timestamp() + make_interval(secs => %s) "
    "from generate_series(0, %s) slot where not exists ("
    "select from views.lease l where l.slot = slot.slot and l.until "
    "between clock_timestamp() and clock_timestamp() + make_interval(secs => %s)"
    ") limit %s "
    "on conflict (slot) do update set worker = excluded.worker, until = excluded.until "
    "returning slot"
)
_AHEAD: Final = (2 * TTL_SECONDS,)
"""A lease that lasts longer than any is given was given before the clock was set back."""

log = structlog.get_logger()


class Presence:
    """One worker among those that run. The others forget it soon after it dies."""

    def __init__(self, connection: Connection, worker: str) -> None:
        self._connection = connection
        self._worker = worker

    def renew(self) -> int:
        """Say that this one runs; return how many do."""
        self._connection.execute(
            "insert into views.worker values (%s, clock_timestamp() + make_interval(secs => %s)) "
            "on conflict (worker) do update set until = excluded.until",
            (self._worker, TTL_SECONDS),
        )
        self._connection.execute(_FORGOTTEN, _AHEAD)
        row = self._connection.execute("select count(*) from views.worker").fetchone()
        assert row is not None
        return int(row[0])

    def end(self) -> None:
        """Say that this one does not run any more."""
        self._connection.execute("delete from views.worker where worker = %s", (self._worker,))


@contextmanager
def present(views_url: str, worker: str) -> Iterator[None]:
    """Have a worker seen that takes no leases, however long its batches last."""
    done = threading.Event()
    seen = threading.Event()

    def tell() -> None:
        while not done.is_set():
            try:
                with closing(connect_impatient(views_url, VIEWS)) as connection:
                    presence = Presence(connection, worker)
                    while not done.is_set():
                        presence.renew()
                        seen.set()
                        done.wait(RENEW_SECONDS)
                    presence.end()
            except psycopg.OperationalError as error:
                log.warning("worker.unseen", error=str(error))
                done.wait(RENEW_SECONDS)

    thread = threading.Thread(target=tell, name="presence", daemon=True)
    thread.start()
    try:
        seen.wait(TTL_SECONDS)
        yield
    finally:
        done.set()
        thread.join()


class Leases:
    """One worker's leases. They run out soon after it dies; the others then take its slots."""

    def __init__(self, connection: Connection, worker: str, slots: int) -> None:
        self._connection = connection
        self._presence = Presence(connection, worker)
        self._worker = worker
        self._slots = slots

    def renew(self) -> set[int]:
        """Prolong what is ours, take a fair share of what is free, and return what we hold."""
        with self._connection.transaction():
            self._connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            fair = math.ceil(self._slots / self._presence.renew())
            mine = self._prolonged()
            if len(mine) > fair:
                self._release(mine[fair:])
                return set(mine[:fair])
            return {*mine, *self._taken(fair - len(mine))}

    def end(self) -> None:
        """Give everything back, so that nobody waits for it to run out."""
        with self._connection.transaction():
            self._connection.execute("delete from views.lease where worker = %s", (self._worker,))
            self._presence.end()

    def _prolonged(self) -> list[int]:
        rows = self._connection.execute(
            "update views.lease set until = clock_timestamp() + make_interval(secs => %s) "
            "where worker = %s and slot < %s returning slot",
            (TTL_SECONDS, self._worker, self._slots),
        ).fetchall()
        return sorted(row[0] for row in rows)

    def _release(self, slots: list[int]) -> None:
        self._connection.execute(
            "delete from views.lease where worker = %s and slot = any(%s)", (self._worker, slots)
        )

    def _taken(self, wanted: int) -> list[int]:
        rows = self._connection.execute(
            _TAKEN,
            (self._worker, TTL_SECONDS, self._slots - 1, *_AHEAD, wanted),
        ).fetchall()
        return [row[0] for row in rows]
