"""Postgres: connections in the role that a part of Huike is allowed."""

from collections.abc import Generator
from typing import Any, Final, TypeVar, cast

import psycopg
from psycopg_pool import ConnectionPool

from infra.stalled import end_stalled

T = TypeVar("T")

OWNER: Final = "huike_owner"
WRITER: Final = "huike_writer"
KEEPER: Final = "huike_keeper"
VIEWS: Final = "huike_views"
READER: Final = "huike_reader"

PATIENCE_SECONDS: Final = 20.0
"""How long an answer is waited for; and how long Postgres waits within a transaction of ours."""
_AT_HAND_SECONDS: Final = 5.0
_TIMEOUTS_SINCE: Final = 170_000
_BOUND: Final = f"set transaction_timeout to '{2 * PATIENCE_SECONDS:.0f}s'".encode()

Connection = psycopg.Connection[Any]
Pool = ConnectionPool[Connection]


class Impatient(Connection):
    """Gives up a server that says nothing for too long.

    A connection can stall without an end (a firewall that forgot it, a machine that hangs) while
    the system still acknowledges what is sent: no time-out of TCP ends that.
    """

    patience = PATIENCE_SECONDS

    def wait(
        self,
        gen: Generator[Any, Any, T],
        interval: float = 0.1,
        timeout: float | None = None,
    ) -> T:
        """Raise psycopg.OperationalError, the connection closed, when there is no answer."""
        if timeout is not None:  # whoever waits has a bound of their own
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001  # it has no other name
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer in {self.patience:.0f} s") from None

    @staticmethod
    def at_hand(connection: Connection) -> None:
        """Raise psycopg.OperationalError unless an idle connection answers soon."""
        assert isinstance(connection, Impatient)
        connection.patience = _AT_HAND_SECONDS
        connection.execute("")
        del connection.patience


def parameters(role: str | None, name: str | None = None) -> dict[str, Any]:
    """Return connection parameters: role, time-outs against dead peers, UTC, what it is named."""
    options = "-c timezone=UTC "
    options += f"-c idle_in_transaction_session_timeout={PATIENCE_SECONDS:.0f}s "
    options += "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
    if role:
        options += f" -c role={role}"
    return {
        "options": options,
        "connect_timeout": 10,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
        "application_name": name or f"huike:{role or 'admin'}",
    }


def connect(url: str, role: str | None = None, *, autocommit: bool = True) -> Connection:
    """Open one connection in a role. Raises psycopg.OperationalError when there is no server."""
    return psycopg.connect(url, autocommit=autocommit, **parameters(role))


def may_become(connection: Connection, role: str) -> bool:
    """Tell whether who logged in has a role, or gets it by asking."""
    row = connection.execute("select pg_has_role(session_user, %s, 'member')", (role,)).fetchone()
    return row == (True,)


def connect_impatient(url: str, role: str | None = None) -> Connection:
    """Open a connection, as `connect`, for work of which every step is short."""
    connection = Impatient.connect(url, autocommit=True, **parameters(role))
    if connection.info.server_version >= _TIMEOUTS_SINCE:  # idle within a pipeline is not idle
        connection.execute(_BOUND)
    _make_way(connection)
    return connection


def pool(url: str, role: str | None = None, *, size: int = 4, name: str | None = None) -> Pool:
    """Open a pool of autocommit, impatient connections in a role, made as they are needed."""
    return ConnectionPool(
        url,
        connection_class=cast("type[Connection]", Impatient),
        min_size=1,
        max_size=size,
        kwargs={"autocommit": True, **parameters(role, name)},
        open=True,
        timeout=10,
        check=Impatient.at_hand,
        configure=_make_way,
        name=f"huike:{role or 'admin'}",
    )


def _make_way(connection: Connection) -> None:
    """Wait for nobody who stalled: whoever got no answer from the others connects again.

    They had begun to wait before the one who stalled was heard for the last time.
    """
    end_stalled(connection, Impatient.patience * 3 / 4)
