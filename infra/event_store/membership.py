"""Who belongs to whom at a position, read in whoever's transaction it is."""

from typing import Final
from uuid import UUID

from infra.postgres import Connection

NOW: Final = 2**62
"""Stands for a position that is later than all."""

_CUSTOMER: Final = """
select customer from log.membership
where identity = %s and since <= %s and (until is null or until > %s)
"""
_ORIGINS: Final = """
select identity from log.membership
where customer = %s and since <= %s and (until is null or until > %s)
"""


def customer_of(connection: Connection, identity: UUID, *, at: int = NOW) -> UUID:
    """Return the customer that an identity belongs to: itself when it is nobody else's."""
    row = connection.execute(_CUSTOMER, (identity, at, at)).fetchone()
    return row[0] if row else identity


def origins_of(connection: Connection, customer: UUID, *, at: int = NOW) -> list[UUID]:
    """Return all that a customer is known by, first the customer."""
    rows = connection.execute(_ORIGINS, (customer, at, at)).fetchall()
    return [customer, *(row[0] for row in rows)]
