"""One prepared question asked straight from the event loop, past threads and pools.

For a look-up of some tens of microseconds, handing it to a thread and back costs more than the
look-up. A wire speaks libpq without ever blocking; whatever is unusual (all wires busy, a lost
server, a changed table, another event loop) is answered None, and the caller asks in a thread.
"""

import asyncio
import time
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer

from infra.postgres import Connection, connect

_AGAIN_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 5.0
_BINARY: Final = 1
_NAME: Final = b"wire"

Row = tuple[Any, ...]


class Wires:
    """A few wires for one statement with one parameter, opened when it is first asked."""

    def __init__(self, url: str, role: str, statement: bytes, *, most: int = 4) -> None:
        """`statement` has its parameter as `$1`; parameters and columns travel in binary."""
        self._url = url
        self._role = role
        self._statement = statement
        self._most = most
        self._idle: list[_Wire] = []
        self._open: set[_Wire] = set()
        self._opening: asyncio.Task[None] | None = None
        self._not_before = 0.0

    async def ask(self, parameter: bytes) -> list[Row] | None:
        """Return the rows, or None when it has to be asked otherwise."""
        loop = asyncio.get_running_loop()
        while self._idle:
            wire = self._idle.pop()
            if wire.loop is loop:
                return await self._over(wire, parameter)
            self._drop(wire)
        if len(self._open) < self._most and self._opening is None:
            self._begin_opening(loop)
        return None

    def close(self) -> None:
        """Close all wires; from their event loop, or after it has ended."""
        if self._opening is not None:
            self._opening.cancel()
        for wire in list(self._open):
            self._drop(wire)

    async def _over(self, wire: "_Wire", parameter: bytes) -> list[Row] | None:
        try:
            rows = await wire.ask(parameter)
        except (psycopg.Error, TimeoutError, OSError):
            self._drop(wire)
            return None
        except BaseException:  # cancelled half-way: its answer would be taken for the next one's
            self._drop(wire)
            raise
        self._idle.append(wire)
        return rows

    def _begin_opening(self, loop: asyncio.AbstractEventLoop) -> None:
        if time.monotonic() < self._not_before:
            return
        self._opening = loop.create_task(self._open_one(loop))
        self._opening.add_done_callback(self._opened)

    async def _open_one(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            connection = await loop.run_in_executor(None, self._connect)
        except psycopg.Error:
            self._not_before = time.monotonic() + _AGAIN_SECONDS
            return
        wire = _Wire(connection, loop)
        self._open.add(wire)
        self._idle.append(wire)

    def _opened(self, _: "asyncio.Task[None]") -> None:
        self._opening = None

    def _connect(self) -> Connection:
        connection = connect(self._url, self._role)
        prepared = connection.pgconn.prepare(_NAME, self._statement)
        if prepared.status != pq.ExecStatus.COMMAND_OK:
            connection.close()
            raise psycopg.ProgrammingError(prepared.error_message)
        connection.pgconn.nonblocking = 1
        return connection

    def _drop(self, wire: "_Wire") -> None:
        self._open.discard(wire)
        wire.close()


class _Wire:
    """A connection that one question at a time is asked over."""

    def __init__(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._connection = connection
        self._wire = connection.pgconn
        self._socket = connection.pgconn.socket
        self._loading: Any = None  # psycopg names its type by a variable
        self._waiting: asyncio.Future[list[Row]] | None = None
        loop.add_reader(self._socket, self._readable)

    async def ask(self, parameter: bytes) -> list[Row]:
        """Return the rows. Raises psycopg.Error, TimeoutError."""
        waiting: asyncio.Future[list[Row]] = self.loop.create_future()
        self._waiting = waiting
        overdue = self.loop.call_later(_PATIENCE_SECONDS, self._fail, TimeoutError())
        try:
            self._wire.send_query_prepared(_NAME, [parameter], [_BINARY], _BINARY)
            if self._wire.flush():
                raise psycopg.OperationalError("the server does not take a question")
            return await waiting
        finally:
            overdue.cancel()
            self._waiting = None

    def close(self) -> None:
        if not self.loop.is_closed():
            self.loop.remove_reader(self._socket)
        self._connection.close()

    def _readable(self) -> None:
        try:
            self._wire.consume_input()
            if self._waiting is None or self._wire.is_busy():
                return
            rows = self._take()
        except psycopg.Error as error:
            self.loop.remove_reader(self._socket)  # a lost server is readable for ever
            self._fail(error)
            return
        if not self._waiting.done():
            self._waiting.set_result(rows)

    def _take(self) -> list[Row]:
        result = self._wire.get_result()
        if result is None or result.status != pq.ExecStatus.TUPLES_OK:
            why = result.error_message.decode(errors="replace") if result else "no answer"
            raise psycopg.OperationalError(why)
        if self._wire.get_result() is not None:
            raise psycopg.OperationalError("an answer too many")
        if self._loading is None:
            self._loading = Transformer(self._connection)
            self._loading.set_pgresult(result)
        else:  # the columns are the same each time
            self._loading.set_pgresult(result, set_loaders=False)
        rows: list[Row] = self._loading.load_rows(0, result.ntuples, tuple)
        return rows

    def _fail(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)
