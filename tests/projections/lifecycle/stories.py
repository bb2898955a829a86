"""What may happen in a customer's life, for the property tests of the lifecycle view."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st

from domain.activity.events import PageViewed, Tracked
from domain.customer.events import CustomerRegistered, TagAdded
from domain.lifecycle.events import LifecyclePolicyAdopted
from domain.message.events import Evidence, MessageClicked
from domain.order.events import OrderCancelled, OrderPaid, OrderPlaced, OrderRefunded
from domain.shared.events import Event
from domain.ticket.events import TicketRated
from tests.facts import fact_of
from tests.projections.histories import IDS, SHOP, START, USERS, History, histories, stream_of

amounts = st.sampled_from([Decimal(x) for x in ("0", "5", "299.99", "300", "1700", "2000")])
currencies = st.sampled_from(["USD", "USD", "EUR"])
payments = st.sampled_from(["1", "2"])
purchases = st.builds(OrderPaid, payment=payments, amount=amounts, currency=currencies)
refunds = st.builds(OrderRefunded, refund=payments, amount=st.none() | amounts, currency=currencies)
views = st.builds(PageViewed, content=st.just(b""))
events = st.one_of(
    purchases,
    purchases,
    refunds,
    st.builds(Tracked, name=st.just("Product Viewed"), content=st.just(b"")),
    views,
    st.builds(OrderPlaced, number=st.just("1"), currency=currencies, total=amounts),
    st.builds(OrderCancelled),
    st.builds(CustomerRegistered),
    st.builds(TagAdded, tag=st.just("tea")),
    st.builds(TicketRated, score=st.integers(1, 5)),
    st.builds(
        MessageClicked,
        campaign=st.just(IDS.campaign(SHOP, "spring")),
        link=st.just("/"),
        evidence=st.builds(Evidence, honeypot=st.booleans()),
    ),
)
days = st.integers(1, 9)
policies = st.builds(
    LifecyclePolicyAdopted,
    new_days=days,
    silent_after_days=days,
    lost_after_days=st.integers(10, 40),
    won_back_days=days,
    high_value=st.just(Decimal(1000)),
    currency=currencies,
)
lives = histories(events, nobodys=policies)


HALF_A_DAY = timedelta(hours=12)
A_QUARTER = timedelta(minutes=15)


def crowded(said: Sequence[tuple[Event, int]], registered: int | None, grain: timedelta) -> History:
    """Return what one customer did, `grain` by `grain`, in the order in which it was recorded."""
    if registered is not None:
        said = [(CustomerRegistered(), registered), *said]
    end = START + timedelta(days=100)
    facts = []
    for position, (event, grains) in enumerate(said, 1):
        origin = None if isinstance(event, LifecyclePolicyAdopted) else USERS[0]
        facts.append(
            fact_of(
                event,
                position=position,
                stream=stream_of(event, origin, grains),
                shop=SHOP,
                origin=origin,
                occurred_at=START + grains * grain,
                recorded_at=end,
            )
        )
    return History(facts=tuple(facts), clock=end)


one_life = st.builds(
    crowded,
    st.lists(
        st.tuples(st.one_of(events, events, events, policies), st.integers(0, 50)), max_size=14
    ),
    st.none() | st.integers(0, 50),
    st.sampled_from([HALF_A_DAY, A_QUARTER]),
)
"""Everything happens close together and often at once, and comes in any order."""

one_day = st.builds(
    crowded,
    st.lists(st.tuples(st.one_of(views, views, events), st.integers(0, 50)), max_size=14),
    st.just(0),
    st.just(A_QUARTER),
)
"""A customer looks around, and what it does comes in any order."""
