"""A login for servers and workers: a member of their roles, which owns nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from psycopg.conninfo import make_conninfo

from tests.conftest import run_sql

MAKE = "create role {login} login in role huike_writer, huike_keeper, huike_views, huike_reader"


@contextmanager
def service_login(url: str) -> Iterator[str]:
    """Make one on the server of a migrated database; give its address there."""
    login = f"test_{uuid4().hex}"
    run_sql(url, MAKE, login=login)
    try:
        yield make_conninfo(url, user=login)
    finally:
        run_sql(url, "drop role {login}", login=login)
