"""A slot that was another worker's for a moment, with only a sweep."""

from datetime import timedelta

from projections.runtime.batch import Goal
from projections.runtime.sweep import Sweeper
from tests.projections.histories import SLOTS
from tests.projections.runtime.shop import Shop


def test_a_row_that_another_worker_swept_meanwhile_is_written_whole(shop: Shop) -> None:
    ours = shop.live()
    after = shop.pay("ada", "o1", 1, ago=timedelta(days=89, hours=23, minutes=59, seconds=59))
    shop.follow(ours)
    shop.connection.execute("select pg_sleep(1.1)")
    clock = shop.reader.head().clock
    places = ours.places(range(SLOTS))
    ours.apply((), places, {s: Goal(position=p.position, clock=clock) for s, p in places.items()})
    places = ours.places(range(SLOTS))
    other = shop.connect()
    theirs = shop.live(connection=other)
    assert Sweeper(other, theirs).sweep(theirs.places(range(SLOTS))) == 1
    shop.pay("ada", "o2", 1)
    head = shop.reader.head()
    goal = Goal(position=head.position, clock=head.clock)
    ours.apply(shop.reader.read(after, 100), places, dict.fromkeys(places, goal))
    (row,) = shop.shown()["tally"].values()
    assert row.awake  # verify settles both sides, and so does not see it
