"""The timeline obeys the laws of every view."""

from hypothesis import strategies as st

from domain.activity.events import PageViewed, Tracked
from domain.campaign.events import CampaignDrafted
from domain.customer.events import Person, TagAdded, TraitsAsserted
from domain.order.events import OrderPaid, OrderPlaced
from domain.shared.channel import Channel
from domain.ticket.events import TicketKind, TicketOpened
from projections.timeline.projection import timeline
from tests.projections.histories import histories
from tests.projections.laws import Laws

words = st.sampled_from(["a", "b"])
amounts = st.decimals(0, 100, places=2)

events = st.one_of(
    st.builds(TraitsAsserted, person=st.builds(Person, name=words)),
    st.builds(TagAdded, tag=words),
    st.builds(Tracked, name=st.sampled_from(["Cart Viewed", "Order Completed"]), content=words),
    st.builds(PageViewed, name=words, content=words),
    st.builds(OrderPlaced, number=st.just("1"), currency=st.just("USD"), total=amounts),
    st.builds(OrderPaid, amount=amounts, currency=st.just("USD")),
    st.builds(TicketOpened, number=st.just("1"), kind=st.just(TicketKind.INQUIRY), about=words),
)
campaigns = st.builds(CampaignDrafted, code=words, name=words, channel=st.just(Channel.EMAIL))


class TestLaws(Laws):
    view = timeline
    histories = histories(events, nobodys=campaigns)
