"""The profile obeys the laws of every view."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st

from domain.activity.events import PageViewed
from domain.customer.events import (
    Address,
    ConsentGranted,
    ConsentWithdrawn,
    KindStated,
    NoteAdded,
    Person,
    TagAdded,
    TagRemoved,
    TraitsAsserted,
)
from domain.message.events import MessageSent
from domain.order.events import (
    Line,
    OrderCancelled,
    OrderDelivered,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRevised,
    OrderShipped,
    OrderToldOfAnotherCustomer,
)
from domain.shared.channel import Channel
from domain.ticket.events import (
    Author,
    TicketClosed,
    TicketKind,
    TicketMessageAdded,
    TicketOpened,
    TicketRated,
    TicketReopened,
    TicketResolved,
)
from projections.profile.projection import profile
from tests.projections.histories import USERS, histories
from tests.projections.laws import Laws

DAY = datetime(2025, 3, 1, tzinfo=UTC)

channels = st.sampled_from([Channel.EMAIL, Channel.SMS])
words = st.sampled_from(["", "a", "b"])
amounts = st.decimals(0, 100, places=2)
currencies = st.sampled_from(["USD", "EUR"])
values = st.one_of(st.none(), st.integers(0, 2), words)
addresses = st.builds(Address, city=st.none() | words, country=st.sampled_from([None, "US"]))
people = st.builds(
    Person,
    name=st.none() | words,
    email=st.sampled_from([None, "", "Ada@example.com", "b@example.org"]),
    phone=st.sampled_from([None, "", "(415) 555-0123", "+49 171 2345678"]),
    address=st.none() | addresses,
)
lines = st.lists(
    st.builds(
        Line,
        product=words,
        category=st.sampled_from([None, "tea", "cups"]),
        quantity=st.integers(0, 3).map(Decimal),
        unit_price=amounts,
    ),
    max_size=2,
).map(tuple)
consents = {"channel": channels, "purpose": st.just("offers"), "source": words, "wording": words}
agreed = {"number": words, "currency": currencies, "lines": lines, "total": amounts}
notes = st.sampled_from([UUID(int=1), UUID(int=2)])

events = st.one_of(
    st.builds(
        TraitsAsserted,
        person=st.none() | people,
        traits=st.dictionaries(st.sampled_from(["plan", "size"]), values),
        private=st.none() | st.dictionaries(st.sampled_from(["pet"]), values),
    ),
    st.builds(KindStated),
    st.builds(ConsentGranted, **consents),
    st.builds(ConsentWithdrawn, **consents),
    st.builds(TagAdded, tag=words),
    st.builds(TagRemoved, tag=words),
    st.builds(NoteAdded, note=notes, text=words),
    st.builds(OrderPlaced, **agreed),
    st.builds(OrderRevised, **agreed),
    st.builds(OrderPaid, payment=words, amount=amounts, currency=currencies),
    st.builds(OrderRefunded, refund=words, amount=st.none() | amounts, currency=currencies),
    st.builds(OrderShipped),
    st.builds(OrderDelivered),
    st.builds(OrderCancelled),
    st.builds(OrderToldOfAnotherCustomer, identity=st.sampled_from(USERS)),
    st.builds(TicketOpened, number=words, kind=st.just(TicketKind.INQUIRY), about=words),
    st.builds(TicketMessageAdded, author=st.sampled_from(Author), text=words),
    st.builds(TicketResolved, outcome=words),
    st.builds(TicketReopened, reason=words),
    st.builds(TicketClosed),
    st.builds(TicketRated, score=st.integers(1, 5)),
    st.builds(MessageSent, campaign=notes, channel=channels),
    st.builds(PageViewed, content=st.just(b"")),
)


class TestLaws(Laws):
    view = profile
    histories = histories(events)
