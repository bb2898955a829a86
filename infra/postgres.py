"""Postgres: connections in the role that a part of Huike is allowed."""

from typing import Any, Final

import psycopg
from psycopg_pool import ConnectionPool

OWNER: Final = "huike_owner"
WRITER: Final = "huike_writer"
KEEPER: Final = "huike_keeper"
VIEWS: Final = "huike_views"
READER: Final = "huike_reader"

Connection = psycopg.Connection[Any]
Pool = ConnectionPool[Connection]


def parameters(role: str | None) -> dict[str, Any]:
    """Return connection parameters: role, time-outs against dead peers, UTC."""
    options = "-c timezone=UTC -c idle_in_transaction_session_timeout=60000"
    if role:
        options += f" -c role={role}"
    return {
        "options": options,
        "connect_timeout": 10,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
        "application_name": f"huike:{role or 'admin'}",
    }


def connect(url: str, role: str | None = None, *, autocommit: bool = True) -> Connection:
    """Open one connection in a role. Raises psycopg.OperationalError when there is no server."""
    return psycopg.connect(url, autocommit=autocommit, **parameters(role))


def pool(url: str, role: str | None = None, *, size: int = 4) -> Pool:
    """Open a pool of autocommit connections in a role; they are made as they are needed."""
    return ConnectionPool(
        url,
        min_size=1,
        max_size=size,
        kwargs={"autocommit": True, **parameters(role)},
        open=True,
        timeout=10,
        check=ConnectionPool.check_connection,
        name=f"huike:{role or 'admin'}",
    )
