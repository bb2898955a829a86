"""A load as lean as Python can make it: requests made beforehand, sockets, one loop, no client."""

import resource
import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

_PATIENCE: Final = 30.0
_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length: "
_POSITION: Final = b"x-position: "
_OK: Final = frozenset((b"200", b"202"))
_CHUNK: Final = 262_144


class Refused(Exception):
    """The server did not accept everything; its answer follows."""


class Driven(msgspec.Struct, frozen=True):
    """What became of requests, in the order in which they were answered.

    Instants are of `time.monotonic`. `due`: when each was sent or, at a steady rate, was to be;
    `cpu`: the share of one core that this load took.
    """

    began: float
    ended: float
    cpu: float
    requests: list[int]
    due: list[float]
    answered: list[float]
    positions: list[int]

    @property
    def rate(self) -> float:
        return len(self.answered) / (self.ended - self.began)

    @property
    def took(self) -> list[float]:
        """How long each took, in milliseconds."""
        return [(b - a) * 1000 for a, b in zip(self.due, self.answered, strict=True)]


def request(path: str, key: str, body: bytes, method: str = "POST") -> bytes:
    """Return a request as it goes over the wire."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Lane:
    """One connection: the request that it has under way, and what came of the answer."""

    __slots__ = ("answer", "due", "number", "socket")

    def __init__(self, address: str) -> None:
        where = urlsplit(address)
        self.socket = socket.create_connection((where.hostname, where.port), timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answer = b""
        self.number = 0
        self.due = 0.0

    def send(self, number: int, request: bytes, due: float) -> None:
        self.number = number
        self.due = due
        self.answer = b""
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """Read on; return the position that is answered (0: none) once the answer is whole."""
        read = self.socket.recv(_CHUNK)
        if not read:
            raise Refused(f"closed: {self.answer[:500]!r}")
        self.answer += read
        end = self.answer.find(_END)
        if end < 0:
            return None
        head = self.answer[:end].lower()
        if len(self.answer) < end + len(_END) + _number(head, _LENGTH):
            return None
        if head[9:12] not in _OK or b'"success":false' in self.answer:
            raise Refused(self.answer[:1000].decode(errors="replace"))
        return _number(head, _POSITION)


def _number(head: bytes, name: bytes) -> int:
    found = head.find(name)
    return int(head[found + len(name) :].split(b"\r\n", 1)[0]) if found >= 0 else 0


def drive(
    address: str, requests: Sequence[bytes], *, connections: int, each: float = 0.0
) -> Driven:
    """Send requests, each connection one at a time. Raises Refused, TimeoutError.

    `each`: seconds from one to the next, whoever answers how slowly; 0: as fast as answers come.
    """
    lanes = [_Lane(address) for _ in range(min(connections, len(requests)))]
    try:
        with selectors.DefaultSelector() as selector:
            for lane in lanes:
                selector.register(lane.socket, selectors.EVENT_READ, lane)
            return _drive(selector, deque(lanes), requests, each)
    finally:
        for lane in lanes:
            lane.socket.close()


def _drive(
    selector: selectors.BaseSelector, free: deque[_Lane], requests: Sequence[bytes], each: float
) -> Driven:
    found = Driven(0, 0, 0, [], [], [], [])
    spent = _cpu()
    began = now = time.monotonic()
    following = 0
    while len(found.answered) < len(requests):
        while free and following < len(requests) and began + following * each <= now:
            due = began + following * each if each else now
            free.popleft().send(following, requests[following], due)
            following += 1
        wait = _PATIENCE
        if free and following < len(requests):
            wait = max(0.0, began + following * each - now)
        ready = selector.select(wait)
        now = time.monotonic()
        if not ready and wait == _PATIENCE:
            raise TimeoutError
        for key, _ in ready:
            lane = key.data
            position = lane.receive()
            if position is not None:
                found.requests.append(lane.number)
                found.due.append(lane.due)
                found.answered.append(now)
                found.positions.append(position)
                free.append(lane)
    cpu = (_cpu() - spent) / max(now - began, 1e-9)
    return msgspec.structs.replace(found, began=began, ended=now, cpu=cpu)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_THREAD)
    return used.ru_utime + used.ru_stime
