"""A connection that stalls is given up, and a pool hands out none that does."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from infra.dev.postgres import EmbeddedPostgres
from infra.postgres import OWNER, WRITER, Impatient, connect, connect_impatient, pool
from infra.stalled import end_stalled
from tests.consumers.following import eventually
from tests.drills.proxy import Proxy
from tests.logins import service_login
from tests.ports import free_port
from tests.stalling import copying


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


def test_who_copies_for_too_long_is_ended_and_nobody_else(database_url: str) -> None:
    def lives(session: int) -> bool:
        with connect(database_url) as looking:
            found = looking.execute("select from pg_stat_activity where pid = %s", (session,))
            return found.rowcount == 1

    with (
        service_login(database_url) as login,
        connect(login, WRITER) as idle,
        connect(login, WRITER) as other,
        copying(database_url, WRITER, "log.batch") as anothers,
        copying(database_url, OWNER, "log.batch") as restoring,
        copying(login, WRITER, "log.batch") as stalled,
    ):
        time.sleep(0.3)
        end_stalled(other, 60)
        time.sleep(0.3)
        assert lives(stalled)
        end_stalled(other, 0.1)
        eventually(lambda: not lives(stalled), "the session is ended")
        with connect(database_url, WRITER) as superuser:
            end_stalled(superuser, 0.1)
        eventually(lambda: not lives(anothers), "another login's is ended by that one")
        assert lives(restoring)
        assert lives(idle.info.backend_pid)
