"""Customers are dealt into another number of slots, whatever a rebuild left behind."""

import psycopg
import pytest

from projections.runtime import schema
from projections.runtime.rebuild import LOCK, RebuildRunning
from projections.runtime.reslot import reslot
from projections.runtime.schema import Generation
from tests.projections.histories import SLOTS
from tests.projections.runtime.shop import Shop
from tests.projections.runtime.tiny import tiny


def slots(shop: Shop) -> list[tuple[int]]:
    return shop.connection.execute("select slots from huike.freshness").fetchall()


def test_rows_stay_and_what_a_rebuild_left_that_was_killed_goes(shop: Shop) -> None:
    shop.pay("ada", "o1", 1)
    shop.follow(shop.live())
    before = shop.shown()
    with shop.connection.transaction():
        schema.create(shop.connection, tiny, Generation.of(tiny, 2), SLOTS)
    reslot(shop.connection, [tiny], 2 * SLOTS)
    assert slots(shop) == [(2 * SLOTS,)]
    assert shop.shown() == before


def test_slots_stay_as_they_are_while_a_view_is_rebuilt(shop: Shop) -> None:
    shop.live()
    with psycopg.connect(shop.url) as rebuilding:
        rebuilding.execute("select pg_advisory_lock(%s)", (LOCK,))
        with pytest.raises(RebuildRunning):
            reslot(shop.connection, [tiny], 2 * SLOTS)
    assert slots(shop) == [(SLOTS,)]
