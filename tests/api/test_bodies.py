"""A body is read within bounds of time too."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.types import Message

from api import bodies
from api.services import Services
from tests.keys import make_key


def test_a_body_that_does_not_come_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.01)
    parts: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> Message:
        if parts:
            return parts.pop()
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(bodies.BodyTooSlow):
        asyncio.run(bodies.read_body({}, receive, 100))


def test_a_command_whose_body_does_not_come_is_refused(
    app: FastAPI, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a real connection, which is closed then: the rest is not waited for."""
    monkeypatch.setattr(bodies, "SECONDS", 0.05)
    _, secret = make_key(services.settings.log_url, "a test", "command")
    said = f"POST /api/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret}\r\n"
    with serving(app) as place, socket.create_connection(place, timeout=30) as client:
        client.sendall(f"{said}Content-Type: application/json\r\n".encode())
        client.sendall(b'Content-Length: 100\r\n\r\n{"user"')
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["type"] == "urn:huike:problem:body-too-slow"


@contextmanager
def serving(app: FastAPI) -> Iterator[tuple[str, int]]:
    """Serve an application as `huike serve` does, in a thread; give where."""
    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, http="httptools", loop="uvloop"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
    thread.start()
    try:
        yield door.getsockname()
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        assert not thread.is_alive()
        door.close()
