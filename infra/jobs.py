"""Jobs: questions that take longer than a request, worked on in the background, one at a time."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
import structlog
from psycopg.rows import kwargs_row
from psycopg.types.json import Jsonb

from domain.shared.refusals import NotFound, Refused
from infra.postgres import WRITER, Connection, Pool, connect

_COLUMNS: Final = (
    "id, kind, asked, asked_by, state, progress, answer, error, created_at, finished_at"
)
_ASK: Final = (
    f"insert into log.job (kind, asked, asked_by) values (%s, %s, %s) returning {_COLUMNS}"  # noqa: S608  # constants
)
_LOCK_CLASS: Final = 4_851_103
_IDLE_SECONDS: Final = 0.5
_LOST_SECONDS: Final = 2.0
_TIDY_SECONDS: Final = 3_600.0
_TIDY: Final = (
    "delete from log.job where finished_at < now() - interval '30 days'",
    "delete from log.idempotency where created_at < now() - interval '30 days'",
)
"""Answers are kept for thirty days: a job's, and a command's under its Idempotency-Key."""

Progress = Callable[[float], None]
Work = Callable[[Mapping[str, Any], Progress], Any]
"""Does a job: what was asked, where to tell how far it is (0 to 1); returns what JSON can say."""

log = structlog.get_logger("jobs")


class Failed(Exception):
    """Work was not done; its argument is the reason that the asker is told."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it stands: `state` is waiting, running, done or failed."""

    id: UUID
    kind: str
    asked: dict[str, Any]
    asked_by: str
    state: str
    progress: float
    answer: Any
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class Jobs:
    """The jobs of one installation, whichever process works on them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.asked = threading.Event()

    def ask(self, kind: str, asked: Mapping[str, Any], asked_by: str) -> Job:
        """Queue a job."""
        with self._pool.connection() as connection, connection.cursor(row_factory=_JOB) as cursor:
            cursor.execute(
                _ASK,
                (kind, _jsonb(dict(asked)), asked_by),
            )
            job = cursor.fetchone()
        assert job is not None
        self.asked.set()
        return job

    def find(self, id: UUID) -> Job:
        """Return a job. Raises NotFound."""
        with self._pool.connection() as connection, connection.cursor(row_factory=_JOB) as cursor:
            cursor.execute(f"select {_COLUMNS} from log.job where id = %s", (id,))  # noqa: S608  # constant columns
            job = cursor.fetchone()
        if job is None:
            raise NotFound(what="job", id=id)
        return job


class Worker:
    """Works on jobs in a thread. A job whose worker died is begun anew by the next one."""

    def __init__(self, url: str, jobs: Jobs, works: Mapping[str, Work]) -> None:
        self._url = url
        self._jobs = jobs
        self._works = works
        self._stopping = threading.Event()
        self._tidied = float("-inf")
        self._thread = threading.Thread(target=self._run, name="huike-jobs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop after the job in hand, which gives up at its next sign of progress."""
        self._stopping.set()
        self._jobs.asked.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with closing(connect(self._url, WRITER)) as connection:
                    self._serve(connection)
            except psycopg.Error as error:
                log.warning("jobs.lost", error=type(error).__name__)
                self._stopping.wait(_LOST_SECONDS)
            except Exception:  # a mistake of ours must not end the thread unheard
                log.exception("jobs.broken")
                self._stopping.wait(_LOST_SECONDS)

    def _serve(self, connection: Connection) -> None:
        while not self._stopping.is_set():
            self._jobs.asked.clear()
            if not self._one(connection):
                self._tidy(connection)
                self._jobs.asked.wait(_IDLE_SECONDS)

    def _one(self, connection: Connection) -> bool:
        """Do one job that nobody works on. The lock goes with the worker, however it ends."""
        candidates = connection.execute(
            "select id, kind, asked from log.job where state in ('waiting', 'running')"
            " and kind = any(%s) order by created_at limit 20",
            (list(self._works),),
        ).fetchall()
        for job, kind, asked in candidates:
            lock = (_LOCK_CLASS, job.int & 0x7FFFFFFF)
            mine = connection.execute("select pg_try_advisory_lock(%s, %s)", lock).fetchone()
            if mine is None or not mine[0]:
                continue
            try:
                if self._begin(connection, job):
                    self._do(connection, job, self._works[kind], asked)
                    return True
            finally:
                connection.execute("select pg_advisory_unlock(%s, %s)", lock)
        return False

    def _tidy(self, connection: Connection) -> None:
        """Let go of old answers, once an hour."""
        now = time.monotonic()
        if now - self._tidied > _TIDY_SECONDS:
            self._tidied = now
            for statement in _TIDY:
                connection.execute(statement)

    @staticmethod
    def _begin(connection: Connection, id: UUID) -> bool:
        begun = connection.execute(
            "update log.job set state = 'running', progress = 0, began_at = clock_timestamp()"
            " where id = %s and state in ('waiting', 'running')",
            (id,),
        )
        return begun.rowcount == 1

    def _do(self, connection: Connection, id: UUID, work: Work, asked: Mapping[str, Any]) -> None:
        told = 0.0

        def progress(share: float) -> None:
            nonlocal told
            if self._stopping.is_set():
                raise _Stopped
            if share != told:
                going_on = connection.execute(
                    "update log.job set progress = %s where id = %s and state = 'running'",
                    (share, id),
                )
                if not going_on.rowcount:
                    raise _Stopped
                told = share

        try:
            answer = _jsonb(work(asked, progress))
        except _Stopped:
            return
        except psycopg.OperationalError:
            raise
        except Exception as error:  # whatever it is, the asker is told
            if isinstance(error, Refused | Failed):
                reason = str(error)
                log.warning("jobs.refused", job=str(id), why=reason)
            else:
                reason = type(error).__name__
                log.exception("jobs.failed", job=str(id))
            connection.execute(
                "update log.job set state = 'failed', error = %s, finished_at = now()"
                " where id = %s and state = 'running'",
                (reason, id),
            )
            return
        connection.execute(
            "update log.job set state = 'done', progress = 1, answer = %s, finished_at = now()"
            " where id = %s and state = 'running'",
            (answer, id),
        )


class _Stopped(Exception):
    """The worker is to stop, or the job to be begun anew; it stays for whoever is next."""


def begin_anew(connection: Connection) -> None:
    """Have the jobs that are worked on begun anew: what their work comes to is thrown away."""
    connection.execute("update log.job set state = 'waiting', progress = 0 where state = 'running'")


def _jsonb(value: Any) -> Jsonb:
    return Jsonb(value, dumps=_encode)


_encode: Final = msgspec.json.Encoder(decimal_format="string").encode
_JOB: Final = kwargs_row(Job)
