"""A wire between a client and a server that can be made to stall: bytes stop, nothing is closed."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Self

from tests.ports import free_port

_CHUNK = 65_536
_PATIENCE = 60


class _Wire(NamedTuple):
    """One connection: both of its ends, and whether bytes flow."""

    client: socket.socket
    server: socket.socket
    flows: threading.Event

    def cut(self) -> None:
        self.flows.set()
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Proxy:
    """Listens on a port of its own and passes bytes on to a server's."""

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", self.port), backlog=200)
        self._open: list[_Wire] = []
        self._stalled: list[_Wire] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._awaited = b""
        self._came = threading.Event()

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)  # to close it would not wake who accepts
        self._threads[0].join(_PATIENCE)
        self._listening.close()
        with self._lock:
            for wire in self._open + self._stalled:
                wire.cut()
        for thread in self._threads:
            thread.join(_PATIENCE)

    def stall(self, after: bytes = b"") -> int:
        """Stop the bytes of every connection there is; new ones work. Return how many there are.

        `after`: as soon as a client has said this, and the server has heard it.
        """
        if after:
            self._came.clear()
            self._awaited = after
            if not self._came.wait(_PATIENCE):
                raise TimeoutError
        with self._lock:
            for wire in self._open:
                wire.flows.clear()
            stalled = len(self._open)
            self._stalled += self._open
            self._open.clear()
            return stalled

    def _start(self, target: Callable[..., None], *said: object) -> None:
        thread = threading.Thread(target=target, args=said, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._to), timeout=10)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire = _Wire(client, server, threading.Event())
            wire.flows.set()
            with self._lock:
                self._open.append(wire)
            self._start(self._serve, wire)

    def _serve(self, wire: _Wire) -> None:
        back = threading.Thread(target=self._pass, args=(wire, wire.server, wire.client))
        with wire.client, wire.server:
            back.start()
            self._pass(wire, wire.client, wire.server)
            back.join()
            with self._lock:
                for wires in (self._open, self._stalled):
                    if wire in wires:
                        wires.remove(wire)

    def _pass(self, wire: _Wire, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                wire.flows.wait()
                target.sendall(data)
                if self._awaited and self._awaited in data:
                    wire.flows.clear()  # at once: what follows is on its way
                    self._awaited = b""
                    self._came.set()
        wire.flows.wait()
        wire.cut()
