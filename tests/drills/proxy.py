"""A wire between a client and a server that can be made to stall: bytes stop, nothing is closed."""

import contextlib
import socket
import threading
from typing import Self

from tests.ports import free_port

_CHUNK = 65_536
_PATIENCE = 60


class Proxy:
    """Listens on a port of its own and passes bytes on to a server's."""

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", self.port), backlog=200)
        self._open: list[tuple[socket.socket, threading.Event]] = []
        self._lock = threading.Lock()
        self._awaited = b""
        self._came = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()
        with self._lock:
            for each, flows in self._open:
                flows.set()
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

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
            for _, flows in self._open:
                flows.clear()
            stalled = len(self._open) // 2
            self._open.clear()
            return stalled

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
            flows = threading.Event()
            flows.set()
            for source, target in ((client, server), (server, client)):
                for each in (source, target):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._open.append((source, flows))
                way = (source, target, flows)
                threading.Thread(target=self._pass, args=way, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, flows: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                flows.wait()
                target.sendall(data)
                if self._awaited and self._awaited in data:
                    flows.clear()  # at once: what follows is on its way
                    self._awaited = b""
                    self._came.set()
        flows.wait()
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
