"""A client that hangs while it copies: its session waits for the rest."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.pq import ExecStatus

from infra.postgres import connect


@contextmanager
def copying(url: str, role: str, table: str, *first: str) -> Iterator[int]:
    """Have a session of a role say these statements and begin a COPY; give its process id."""
    connection = connect(url, role)
    try:
        for statement in first:
            said = connection.pgconn.exec_(statement.encode())
            assert said.status in {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}, said.error_message
        begun = connection.pgconn.exec_(f"copy {table} from stdin".encode())
        assert begun.status == ExecStatus.COPY_IN, begun.error_message
        yield connection.info.backend_pid
    finally:
        connection.close()
