"""A log of a few batches, and what somebody who owns the database can do to it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.event_store import EventLog
from infra.event_store.codec import COLUMNS, COPY_HEADER
from infra.keyring import Keyring
from infra.postgres import KEEPER, OWNER, Connection, connect, pool
from infra.sealing import PersonKeys
from tests.infra.event_store.writing import message

_COPY: Any = (
    f"copy (select {COLUMNS} from log.fact where position > %s and position <= %s "  # noqa: S608  # a constant
    "order by position) to stdout (format binary)"
)
BATCHES = 6
FACTS = 3
"""In each batch."""


@contextmanager
def writer(url: str, keyring: Path) -> Iterator[EventLog]:
    with pool(url, KEEPER) as keeper:
        log = EventLog(url, PersonKeys(keeper, Keyring.open(keyring)))
        try:
            yield log
        finally:
            log.close()


def fill(log: EventLog, batches: int = BATCHES, *, begin: int = 1) -> None:
    """Record batches of three facts, the first by the actor `w1:1`, and so on."""
    for n in range(begin, begin + batches):
        log.append(message(f"w{n}:{n}", FACTS - 1))


def tamper(url: str, *statements: str) -> None:
    """Do what only the owner of the tables can."""
    with connect(url, OWNER) as owner, owner.transaction():
        for statement in statements:
            owner.execute(statement.encode())


def chain_anew(url: str) -> None:
    """Make the chain of all batches follow from the rows as they stand, as a clever intruder."""
    with connect(url, OWNER) as owner:
        after, chain = 0, bytes(32)
        for (position,) in owner.execute("select position from log.batch order by position"):
            chain = digest(chain, owner, after, position)
            owner.execute("update log.batch set chain = %s where position = %s", (chain, position))
            after = position


def digest(chain: bytes, connection: Connection, after: int, upto: int) -> bytes:
    """Return the chain of a batch as its rows stand."""
    return hashlib.sha256(chain + rows(connection, after, upto)).digest()


def rows(connection: Connection, after: int, upto: int) -> bytes:
    """Return the canonical bytes of some facts."""
    with connection.cursor().copy(_COPY, (after, upto)) as copy:
        data = b"".join(bytes(block) for block in copy)
    return data[len(COPY_HEADER) : -2]
