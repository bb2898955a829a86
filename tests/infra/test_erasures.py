"""Erasures that have to wait keep none from its turn."""

from uuid import UUID, uuid4

from infra import erasures
from infra.postgres import WRITER, connect

_INSERT = """
insert into log.erasure (erasure, customer, shop, asked_by, requested_at, due_at, waits_for)
select %s, gen_random_uuid(), 'shop', 'officer', now(), now() - interval '1 hour', %s
"""
_HELD = """
insert into log.erasure (erasure, customer, shop, asked_by, requested_at, due_at, waits_for)
select gen_random_uuid(), gen_random_uuid(), 'shop', 'officer', now(), now() - interval '1 day',
  '{legal-hold}' from generate_series(1, 1100)
"""


def test_one_that_is_due_is_found_however_many_wait_longer(database_url: str) -> None:
    erasure = _with_many_held(database_url)
    with connect(database_url, WRITER) as connection:
        assert erasures.due(connection)[0].erasure == erasure


def test_each_of_those_that_wait_is_looked_at_again(database_url: str) -> None:
    _with_many_held(database_url)
    looked: set[UUID] = set()
    with connect(database_url, WRITER) as connection:
        for _ in range(40):
            looked |= {it.erasure for it in erasures.due(connection)}
    assert len(looked) == 1101


def _with_many_held(database_url: str) -> UUID:
    erasure = uuid4()
    with connect(database_url) as owner:
        owner.execute(_HELD)
        owner.execute(_INSERT, (erasure, []))
    return erasure
