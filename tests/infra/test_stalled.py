"""A connection that stalls is given up, and a pool hands out none that does."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from infra.dev.postgres import EmbeddedPostgres
from infra.postgres import WRITER, Connection, Impatient, connect, connect_impatient, pool
from infra.stalled import end_stalled_copies
from tests.drills.proxy import Proxy
from tests.ports import free_port


@pytest.fixture
def wire(server_folder: Path) -> Iterator[tuple[str, Proxy]]:
    """Give an address of Postgres, and the wire that leads there."""
    port = free_port()
    with (
        EmbeddedPostgres(server_folder / "stalled", port=port, durable=False) as server,
        Proxy(port) as proxy,
    ):
        place = urlsplit(server.tcp_url)
        host = place.netloc.replace(f":{port}", f":{proxy.port}")
        yield place._replace(netloc=host).geturl(), proxy


@pytest.mark.slow
def test_an_answer_that_does_not_come_is_not_waited_for(
    wire: tuple[str, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, proxy = wire
    monkeypatch.setattr(Impatient, "patience", 5.0)
    with connect_impatient(url) as connection, pool(url, size=1) as connections:
        connection.execute("select pg_sleep(0.5)")
        with connections.connection() as lent:
            before = lent.info.backend_pid
        assert proxy.stall() >= 2
        with pytest.raises(psycopg.OperationalError, match="no answer in 5 s"):
            connection.execute("select 1")
        assert connection.closed
        with connections.connection(timeout=60) as lent:
            assert lent.info.backend_pid != before
    with connect_impatient(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_only_who_copies_for_too_long_is_ended(database_url: str) -> None:
    def lives(connection: Connection) -> bool:
        with connect(database_url) as looking:
            pid = connection.info.backend_pid
            return bool(
                looking.execute("select from pg_stat_activity where pid = %s", (pid,)).rowcount
            )

    with (
        connect(database_url, WRITER) as copying,
        connect(database_url, WRITER) as idle,
        connect(database_url, WRITER) as other,
        suppress(psycopg.OperationalError),
        copying.cursor().copy("copy log.batch from stdin"),
    ):
        end_stalled_copies(other, 60)
        assert lives(copying)
        time.sleep(0.2)
        end_stalled_copies(other, 0.1)
        assert not lives(copying)
        assert lives(idle)
