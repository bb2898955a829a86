"""Server and workers alone, on a Postgres that somebody else runs."""

import json
import socket
import time
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest

from tests.cli.running import Installation, await_that, track

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def test_several_that_start_at_once_on_an_empty_database_agree(
    bare_database_url: str, tmp_path: Path
) -> None:
    first = Installation(tmp_path, HUIKE_LOG_URL=bare_database_url)
    second = Installation(tmp_path, HUIKE_LOG_URL=bare_database_url)
    with ExitStack() as stack:
        servers = [stack.enter_context(each.running("serve")) for each in (first, second)]
        workers = [stack.enter_context(first.running("work", "views")) for _ in range(2)]
        for each, server in zip((first, second), servers, strict=True):
            each.await_ready(server)
        with second.client(second.key("ingest", "query")) as client:
            client.post("/v1/track", json=track(1, "ada")).raise_for_status()
            await_that(lambda: client.get("/api/customers/by/user/ada").is_success, first.told)
        assert all(process.poll() is None for process in (*servers, *workers))
    assert [process.returncode for process in (*servers, *workers)] == [0, 0, 0, 0]


def test_a_worker_alone_makes_what_it_needs(bare_database_url: str, tmp_path: Path) -> None:
    installation = Installation(tmp_path, HUIKE_LOG_URL=bare_database_url)
    with installation.running("work", "views"), psycopg.connect(bare_database_url) as connection:

        def there() -> bool:
            found = connection.execute("select to_regclass('huike.profile') is not null")
            return found.fetchone() == (True,)

        connection.autocommit = True
        await_that(there, installation.told)


def test_a_request_in_hand_is_answered_after_sigterm(database_url: str, tmp_path: Path) -> None:
    installation = Installation(tmp_path, HUIKE_LOG_URL=database_url)
    with installation.running("serve") as server:
        installation.await_ready(server)
        key = installation.key("ingest")
        body = json.dumps({"batch": [track(1, "ada")]}).encode()
        head = (
            "POST /v1/batch HTTP/1.1\r\nHost: huike\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with closing(socket.create_connection(("127.0.0.1", installation.port), 30)) as asking:
            asking.sendall(head.encode() + body[:10])
            time.sleep(0.5)  # the server has begun to read
            server.terminate()
            await_that(lambda: not _listens(installation.port), installation.told)
            assert server.poll() is None
            asking.sendall(body[10:])
            answer = asking.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200"), answer
        assert b"\r\nserver:" not in answer.lower()
        assert server.wait(30) == 0
    with psycopg.connect(database_url) as connection:
        count = connection.execute("select count(*) from log.fact where type like 'activity.%'")
        assert count.fetchone() == (1,)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return False
    return True
