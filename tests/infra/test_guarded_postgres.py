"""A Postgres that asks for TLS, our certificate and a password is reached with all three only."""

import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from consumers.mistakes import sentence_of
from infra.dev.postgres import EmbeddedPostgres
from infra.migrations import migrate
from infra.postgres import WRITER, connect, pool
from tests.infra.certificates import Authority
from tests.infra.guarded_postgres import Guard
from tests.ports import free_port

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("guarded"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def guarded(run_root: Path, authority: Authority) -> Iterator[str]:
    """Give the address of a guarded Postgres."""
    folder, port = Path(tempfile.mkdtemp(dir=run_root)), free_port()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.file))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(authority.certificate("postgres"))
    ours = str(authority.certificate("huike"))
    with (
        EmbeddedPostgres(folder, port=port, durable=False) as server,
        Guard(port, context) as guard,
    ):
        server.database("huike")
        yield make_conninfo(
            host="127.0.0.1",
            port=guard.port,
            dbname="huike",
            user="postgres",
            password=urlsplit(server.tcp_url).password,
            sslmode="verify-full",
            sslrootcert=str(authority.file),
            sslcert=ours,
            sslkey=ours,
        )


def refusal(address: str, **otherwise: str) -> str:
    """Return what people are told who reach for it in another way."""
    with pytest.raises(psycopg.OperationalError) as refused:
        connect(make_conninfo(address, **otherwise)).close()
    told = sentence_of(refused.value)
    assert told is not None
    assert told.startswith("Postgres: ")
    assert told.endswith("mend HUIKE_LOG_URL.")
    return told


def test_with_certificate_and_password_a_log_is_made_written_and_read(guarded: str) -> None:
    migrate(guarded)
    with pool(guarded, WRITER, size=1) as log, log.connection() as connection:
        assert connection.pgconn.ssl_in_use
        added = connection.execute("insert into log.upkeep (what) values ('backup') returning what")
        assert added.fetchone() == ("backup",)


def test_a_server_that_somebody_else_signed_for_is_not_trusted(
    guarded: str, stranger: Authority
) -> None:
    assert "certificate verify failed" in refusal(guarded, sslrootcert=str(stranger.file))


def test_a_server_that_is_certified_for_another_address_is_not_trusted(guarded: str) -> None:
    assert "does not match host name" in refusal(guarded, host="localhost", hostaddr="127.0.0.1")


def refused_at_the_handshake(why: str) -> bool:
    """Tell whether the server ended it: its alert may come after the connection's end."""
    return "SSL error" in why or "server closed the connection" in why


def test_without_our_certificate_nobody_is_let_in(guarded: str) -> None:
    assert refused_at_the_handshake(refusal(guarded, sslcert="/none", sslkey="/none"))


def test_a_strangers_certificate_lets_nobody_in(guarded: str, stranger: Authority) -> None:
    theirs = str(stranger.certificate("huike"))
    assert refused_at_the_handshake(refusal(guarded, sslcert=theirs, sslkey=theirs))


def test_without_tls_nobody_is_let_in(guarded: str) -> None:
    assert "server closed the connection" in refusal(guarded, sslmode="disable")


def test_with_another_password_nobody_is_let_in_and_it_is_not_shown(guarded: str) -> None:
    told = refusal(guarded, password="tea and cake")  # noqa: S106  # a wrong one
    assert "password authentication failed" in told
    assert "tea and cake" not in told
