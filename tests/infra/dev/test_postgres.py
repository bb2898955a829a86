"""An embedded Postgres starts, is found again, and loses nothing that it committed."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from infra.dev import unprivileged
from infra.dev.postgres import EmbeddedPostgres, PostgresUnavailable

pytestmark = pytest.mark.slow  # each starts a server


@pytest.fixture
def folder(server_folder: Path) -> Iterator[Path]:
    yield server_folder
    EmbeddedPostgres(server_folder).stop()


def ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question).fetchone()
    assert row
    return row[0]


def pid_of(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


def test_what_was_committed_survives_a_stop_and_a_kill(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder)
    with psycopg.connect(postgres.start()) as connection:
        connection.execute("create table facts as select 1 as position")
    postgres.stop()
    assert not postgres.running
    assert ask(postgres.start(), "select position from facts") == 1
    os.kill(pid_of(folder), signal.SIGKILL)
    assert ask(postgres.start(), "select position from facts") == 1


def test_a_server_outlives_its_killed_parent_and_is_adopted(folder: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path;"
        "from infra.dev.postgres import EmbeddedPostgres;"
        "EmbeddedPostgres(Path(sys.argv[1])).start();"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    parent = subprocess.run([sys.executable, "-c", code, folder], check=False, timeout=100)
    assert parent.returncode == -signal.SIGKILL
    pid = pid_of(folder)
    with EmbeddedPostgres(folder) as adopted:
        assert ask(adopted.url, "select 1") == 1
        assert pid_of(folder) == pid
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_lock_left_by_a_server_whose_number_somebody_else_has_is_cleared(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder)
    postgres.start()
    lock = (folder / "data" / "postmaster.pid").read_text()
    postgres.stop()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        other_lock = lock.replace(lock.split()[0], str(other.pid), 1)
        (folder / "data" / "postmaster.pid").write_text(other_lock)
        assert not postgres.running
        assert ask(postgres.start(), "select 1") == 1
        assert other.poll() is None
        other.communicate(b"\n")


def test_half_a_cluster_is_made_anew(folder: Path) -> None:
    (folder / "data.new" / "base").mkdir(parents=True)
    assert ask(EmbeddedPostgres(folder).start(), "select 1") == 1


def test_other_settings_restart_it(folder: Path) -> None:
    durable, forgetful = EmbeddedPostgres(folder), EmbeddedPostgres(folder, durable=False)
    assert ask(durable.start(), "show fsync") == "on"
    assert ask(forgetful.start(), "show fsync") == "off"


def test_a_port_is_open_only_when_asked_for_and_only_by_password(folder: Path) -> None:
    closed = EmbeddedPostgres(folder)
    assert ask(closed.start(), "show listen_addresses") == ""
    with pytest.raises(PostgresUnavailable):
        assert closed.tcp_url
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    opened = EmbeddedPostgres(folder, port=port)
    opened.start()
    assert ask(opened.tcp_url, "select 1") == 1
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", connect_timeout=10)


def test_nobody_else_may_open_its_socket_or_data(folder: Path) -> None:
    url = EmbeddedPostgres(folder).start()
    socket_folder = Path(str(ask(url, "show unix_socket_directories")))
    for path in (socket_folder, folder / "data", folder / "password"):
        assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def test_a_path_too_long_for_a_socket_has_its_socket_elsewhere(server_folder: Path) -> None:
    deep = server_folder / ("long" * 20) / "postgres"
    with EmbeddedPostgres(deep) as postgres:
        assert ask(postgres.url, "select 1") == 1


def test_a_database_is_made_once(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder)
    postgres.start()
    assert ask(postgres.database("huike"), "select current_database()") == "huike"
    assert postgres.database("huike") == postgres.database("huike")


def test_stopping_what_never_ran_is_no_news(folder: Path) -> None:
    EmbeddedPostgres(folder).stop()


def test_why_it_did_not_start_is_in_the_refusal(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder)
    postgres.start()
    postgres.stop()
    with (folder / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write("nonsense = 1\n")
    with pytest.raises(PostgresUnavailable, match="nonsense"):
        postgres.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that servers may not enter")
def test_as_root_the_server_may_pass_through_a_private_folder_and_nobody_else(
    server_folder: Path,
) -> None:
    private = server_folder / "private"
    private.mkdir(mode=0o700)
    with EmbeddedPostgres(private / "postgres") as postgres:
        assert ask(postgres.url, "select 1") == 1
    assert not private.stat().st_mode & stat.S_IRWXO
    stranger = subprocess.run(["/bin/ls", private / "postgres"], user="nobody", check=False)
    assert stranger.returncode != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_as_root_the_server_runs_as_somebody_else(folder: Path) -> None:
    EmbeddedPostgres(folder).start()
    account = unprivileged.account()
    assert account
    assert psutil.Process(pid_of(folder)).uids().real == account.pw_uid
