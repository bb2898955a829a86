"""Stands before a Postgres that speaks no TLS, as guarded ones are reached: by TLS alone."""

import asyncio
import ssl
import struct
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, Self

_SSL: Final = struct.pack("!ii", 8, 80_877_103)
_GSS: Final = struct.pack("!ii", 8, 80_877_104)
"""What a client of Postgres may ask for before it says who it is: TLS, or Kerberos."""
_CHUNK: Final = 65_536


class Guard:
    """Takes connections by TLS on a port of its own, and passes what is said on to a server's."""

    def __init__(self, to: int, context: ssl.SSLContext) -> None:
        self.port = 0
        self._to = to
        self._context = context
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="guard", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        started = asyncio.start_server(self._meet, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(started, self._loop).result(30)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            async with _ended(writer):
                while (asked := await reader.readexactly(len(_SSL))) == _GSS:
                    writer.write(b"N")
                if asked == _SSL:
                    writer.write(b"S")
                    await writer.start_tls(self._context)
                    inside = await asyncio.open_connection("127.0.0.1", self._to)
                    async with _ended(inside[1]):
                        await asyncio.gather(_pass(reader, inside[1]), _pass(inside[0], writer))


@asynccontextmanager
async def _ended(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Close a connection, and leave nothing of it behind when the guard ends meanwhile."""
    try:
        yield
        writer.close()
        await writer.wait_closed()
    finally:
        writer.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while said := await reader.read(_CHUNK):
            writer.write(said)
            await writer.drain()
    writer.close()
