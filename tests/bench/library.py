"""The other side of two measures: the eventsourcing library on the same Postgres."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

POOL: Final = 16
"""Its connections: as many clients as there may be, its saves go one by one under a table lock."""


@contextmanager
def recorder(url: str) -> Iterator[PostgresApplicationRecorder]:
    """Open the library's recorder on an empty database."""
    where = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    with PostgresDatastore(
        dbname=where["dbname"],
        host=where["host"],
        port=where["port"],
        user=where["user"],
        password=where.get("password", ""),
    ) as datastore:
        opened = PostgresApplicationRecorder(datastore, events_table_name="stored_events")
        opened.create_table()
        yield opened


class Customer(Aggregate):
    """As small an aggregate as the one that a command of ours makes."""

    @event("Registered")
    def __init__(self, name: str) -> None:
        self.name = name


@contextmanager
def application(url: str) -> Iterator[Application[UUID]]:
    """Open an application of the library on an empty database."""
    where = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    environment = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": where["dbname"],
        "POSTGRES_HOST": where["host"],
        "POSTGRES_PORT": where["port"],
        "POSTGRES_USER": where["user"],
        "POSTGRES_PASSWORD": where.get("password", ""),
        "POSTGRES_POOL_SIZE": str(POOL),
        "POSTGRES_MAX_OVERFLOW": "0",
        "POSTGRES_POOL_TIMEOUT": "120",
    }
    opened: Application[UUID] = Application(environment)
    try:
        yield opened
    finally:
        opened.close()
