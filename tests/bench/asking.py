"""Questions asked one after the other, over SQL and over HTTP, and how long each took."""

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")


def timed(ask: Callable[[T], object], about: Sequence[T]) -> list[float]:
    """Ask about one after the other; return how many seconds each took."""
    took = []
    for one in about:
        began = time.perf_counter()
        ask(one)
        took.append(time.perf_counter() - began)
    return took


@contextmanager
def asking(address: str, key: str) -> Iterator[Callable[[str], bytes]]:
    """Yield a client as lean as can be: one connection, one write; answers a path's JSON."""
    where = urlsplit(address)
    headers = f"Host: {where.netloc}\r\nAuthorization: Bearer {key}\r\n\r\n"
    with socket.create_connection((where.hostname, where.port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def ask(path: str) -> bytes:
            connection.sendall(f"GET {path} HTTP/1.1\r\n{headers}".encode())
            answer = connection.recv(65_536)
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), answer
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
            while len(body) < length:
                body += connection.recv(65_536)
            return body

        yield ask
