"""What may happen in a customer's life, for the property tests of the lifecycle view."""

from decimal import Decimal

from hypothesis import strategies as st

from domain.activity.events import PageViewed, Tracked
from domain.customer.events import CustomerRegistered, TagAdded
from domain.lifecycle.events import LifecyclePolicyAdopted
from domain.message.events import Evidence, MessageClicked
from domain.order.events import OrderCancelled, OrderPaid, OrderPlaced, OrderRefunded
from domain.ticket.events import TicketRated
from tests.projections.histories import IDS, SHOP, histories

amounts = st.sampled_from([Decimal(x) for x in ("0", "5", "299.99", "300", "1700", "2000")])
currencies = st.sampled_from(["USD", "USD", "EUR"])
payments = st.sampled_from(["1", "2"])
purchases = st.builds(OrderPaid, payment=payments, amount=amounts, currency=currencies)
refunds = st.builds(OrderRefunded, refund=payments, amount=st.none() | amounts, currency=currencies)
events = st.one_of(
    purchases,
    purchases,
    refunds,
    st.builds(Tracked, name=st.just("Product Viewed"), content=st.just(b"")),
    st.builds(PageViewed, content=st.just(b"")),
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
policies = st.builds(
    LifecyclePolicyAdopted,
    new_days=st.integers(1, 40),
    silent_after_days=st.integers(1, 40),
    lost_after_days=st.integers(41, 90),
    won_back_days=st.integers(1, 60),
    high_value=st.just(Decimal(1000)),
    currency=currencies,
)
lives = histories(events, nobodys=policies)
