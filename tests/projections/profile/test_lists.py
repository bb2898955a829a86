"""A list is what sorting everybody gives, whichever way it is made."""

from collections.abc import Iterator
from itertools import product
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.activity.events import PageViewed
from domain.customer.events import TagAdded
from domain.order.events import OrderPaid, OrderPlaced, OrderRefunded, OrderRevised
from projections.lifecycle.projection import lifecycle
from projections.lifecycle.stages import Stage, Tier
from projections.profile.answers import Customer
from projections.profile.projection import profile
from projections.profile.queries import Part, Sort, Wanted, every, some
from tests.projections.histories import History, histories
from tests.projections.lifecycle.stories import amounts, payments, policies
from tests.projections.runtime.keeping import keep
from tests.projections.runtime.shop import Shop

currencies = st.sampled_from(["USD", "EUR"])
agreed = {"number": st.just("1"), "currency": currencies, "total": amounts}
deeds = st.one_of(
    st.builds(OrderPlaced, **agreed),
    st.builds(OrderRevised, **agreed),
    st.builds(OrderPaid, payment=payments, amount=amounts, currency=currencies),
    st.builds(OrderRefunded, refund=payments, amount=st.none() | amounts, currency=currencies),
    st.builds(PageViewed, content=st.just(b"")),
    st.builds(TagAdded, tag=st.just("tea")),
)
few = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
batches = st.lists(st.integers(1, 30), max_size=3)

OF: dict[str, Any] = {
    "net": lambda c: c.net,
    "last_seen": lambda c: c.last_seen or c.first_seen,
    "first_seen": lambda c: c.first_seen,
    "orders": lambda c: c.orders,
}

DIFFERING = """
select from huike.profile p full join huike.lifecycle l using (customer)
where (p.net, p.orders, p.first_seen) is distinct from (l.own_net, l.orders, l.heard_at)
or p.last_seen is distinct from l.last_activity_at
"""


def plainly(everybody: list[Customer], wanted: Wanted, sort: Sort) -> list[UUID]:
    """Sort everybody who is wanted; equals stand by their ids."""
    by = OF[sort.removeprefix("-")]
    found = [c for c in everybody if wanted.stage in {None, c.stage}]
    found = [c for c in found if wanted.tier in {None, c.tier}]
    found.sort(key=lambda c: (by(c), c.customer), reverse=sort.startswith("-"))
    return [c.customer for c in found]


def paged(shop: Shop, wanted: Wanted, sort: Sort, limit: int) -> Iterator[UUID]:
    """Yield page after page, until none follows."""
    cursor = None
    while True:
        page = some(shop.connection, wanted, Part(sort=sort, limit=limit, cursor=cursor))
        assert len(page.items) <= limit
        yield from (customer.customer for customer in page.items)
        cursor = page.cursor
        if cursor is None:
            return


@few
@given(histories(deeds, nobodys=policies, max_size=40), batches, st.integers(1, 4))
def test_pages_are_what_sorting_everybody_gives(
    shop: Shop, history: History, ends: list[int], limit: int
) -> None:
    for view in (profile, lifecycle):
        keep(shop, view, history, ends)
    assert shop.connection.execute(DIFFERING).fetchall() == []
    everybody = list(every(shop.connection, Wanted()))
    stages = [None, *{Stage(c.stage) for c in everybody if c.stage}]
    tiers = [None, *{Tier(c.tier) for c in everybody if c.tier}]
    for stage, tier, sort in product(stages, tiers, Sort):
        wanted = Wanted(stage=stage, tier=tier)
        assert list(paged(shop, wanted, sort, limit)) == plainly(everybody, wanted, sort)


def test_whom_the_profile_has_not_heard_of_yet_ends_no_list(shop: Shop) -> None:
    ahead, behind = shop.live(lifecycle), shop.live(profile)
    shop.tag("ada", "tea")
    shop.follow(ahead)
    shop.follow(behind)
    for name in ("ben", "cleo", "dan"):
        shop.tag(name, "tea")
    shop.follow(ahead)
    assert list(paged(shop, Wanted(), Sort.FIRST_SEEN_DOWN, 1)) == [shop.user("ada")]
