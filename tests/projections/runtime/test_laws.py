"""The laws, on a view that does one of everything, in memory."""

from hypothesis import strategies as st

from tests.projections.laws import Laws, histories
from tests.projections.runtime.tiny import campaigns, payments, policies, tags, tiny, traits


class TestLaws(Laws):
    view = tiny
    histories = histories(st.one_of(traits, tags, payments), nobodys=st.one_of(campaigns, policies))
