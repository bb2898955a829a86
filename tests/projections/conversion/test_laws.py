"""The conversion view obeys the laws of every view, and tells any instant of the past."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import ClassVar
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaign.events import (
    Arm,
    CampaignDrafted,
    CampaignEnded,
    CampaignLaunched,
    Goal,
    RecipientAssigned,
)
from domain.coupon.events import CouponRedeemed
from domain.message.events import (
    Evidence,
    MessageClicked,
    MessageDelivered,
    MessageOpened,
    MessageSent,
)
from domain.order.events import (
    Line,
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRevised,
)
from domain.shared.channel import Channel
from domain.shared.events import Fact
from projections.conversion.projection import conversion
from projections.conversion.recipients import recipient_at
from projections.conversion.tables import PURCHASE, RECIPIENT
from projections.projection import View
from projections.rows import Key, Row, Rows
from projections.runtime.replay import fold_past, tables_of
from tests.facts import fact_of
from tests.projections import histories as happen
from tests.projections.histories import IDS, SHOP, START, USERS, VISITORS, History, stream_of
from tests.projections.laws import Laws
from tests.projections.memory import blind, named, same

CAMPAIGNS = tuple(IDS.campaign(SHOP, code) for code in ("spring", "summer"))

campaigns = st.sampled_from(CAMPAIGNS)
amounts = st.decimals(0, 100, places=2)
currencies = st.sampled_from(("USD", "USD", "EUR"))
payments = st.sampled_from(("a", "b"))
evidence = st.builds(Evidence, delay_ms=st.none() | st.integers(0, 5000), honeypot=st.booleans())
lines = st.builds(
    Line,
    product=st.sampled_from(("tea", "pot")),
    category=st.sampled_from((None, "green", "iron")),
    unit_price=amounts,
)
terms = {
    "number": st.just("1"),
    "currency": currencies,
    "lines": st.lists(lines, max_size=2).map(tuple),
    "total": amounts,
}
orders = st.one_of(
    st.builds(OrderPaid, payment=payments, amount=amounts, currency=currencies),
    st.builds(OrderPaid, payment=payments, amount=amounts, currency=currencies),
    st.builds(OrderRefunded, refund=payments, amount=st.none() | amounts, currency=currencies),
    st.builds(OrderPlaced, **terms),
    st.builds(OrderRevised, **terms),
    st.builds(OrderCancelled),
)
goals = st.sampled_from((Goal(), Goal(), Goal(product="tea"), Goal(category="iron")))
assignments = st.builds(
    RecipientAssigned,
    campaign=campaigns,
    arm=st.sampled_from(Arm),
    anchor=st.integers(0, 24 * 20).map(lambda hours: START + timedelta(hours=hours)),
    goal=goals,
    seed=st.just(7),
)
messages = st.one_of(
    st.builds(MessageSent, campaign=campaigns, channel=st.just(Channel.EMAIL)),
    st.builds(MessageDelivered, campaign=campaigns),
    st.builds(MessageOpened, campaign=campaigns, evidence=evidence),
    st.builds(MessageClicked, campaign=campaigns, link=st.just("/"), evidence=evidence),
)
redemptions = st.builds(CouponRedeemed, code=st.just("T"), campaign=st.none() | campaigns)
drafts = st.tuples(
    st.one_of(
        st.builds(
            CampaignDrafted, code=st.just("c"), name=st.just("C"), channel=st.sampled_from(Channel)
        ),
        st.builds(CampaignLaunched, control_share=st.just(Decimal("0.1")), seed=st.just(7)),
        st.builds(CampaignEnded),
    ),
    campaigns,
)
events = st.one_of(orders, assignments, messages, redemptions)
histories = happen.histories(events, nobodys=drafts)


class TestLaws(Laws):
    view: ClassVar[View] = conversion
    histories: ClassVar[st.SearchStrategy[History]] = histories


@st.composite
def busy_months(draw: st.DrawFn) -> list[Fact]:
    """Build what one customer, and a visitor who is the same, did in a month of two campaigns."""
    happenings = draw(
        st.lists(
            st.tuples(events, st.integers(0, 24 * 28), st.integers(0, 1), st.integers(0, 2)),
            min_size=3,
            max_size=24,
        )
    )
    facts = []
    for position, (event, hours, who, number) in enumerate(happenings, 1):
        origin = (USERS[0], VISITORS[0])[who]
        facts.append(
            fact_of(
                event,
                position=position,
                stream=stream_of(event, origin, number),
                shop=SHOP,
                origin=origin,
                occurred_at=START + timedelta(hours=hours),
                recorded_at=START + timedelta(days=365),
            )
        )
    return facts


@pytest.mark.slow
class TestLawsOfABusyMonth(Laws):
    view: ClassVar[View] = conversion
    histories: ClassVar[st.SearchStrategy[History]] = busy_months().map(
        lambda facts: History(facts=tuple(facts), clock=START + timedelta(days=366))
    )


def folded(facts: Iterable[Fact], whose: UUID = USERS[0]) -> Rows:
    return fold_past(conversion, whose, facts, None, blind)


def tables(rows: Rows) -> dict[str, dict[Key, Row]]:
    return named(tables_of(conversion, [rows]))


@given(busy_months(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(facts: list[Fact], random: Random) -> None:
    shuffled = list(facts)
    random.shuffle(shuffled)
    same(tables(folded(shuffled)), tables(folded(facts)))


@given(busy_months())
def test_two_who_are_one_are_the_same_as_if_they_had_always_been(facts: list[Fact]) -> None:
    ours = folded(f for f in facts if f.origin == USERS[0])
    theirs = folded((f for f in facts if f.origin == VISITORS[0]), VISITORS[0])
    conversion.combine(ours, theirs)
    same(tables(ours), tables(folded(facts)))


@given(busy_months(), st.integers(0, 24 * 40))
def test_nothing_that_occurred_later_counts(month: list[Fact], hours: int) -> None:
    instant = START + timedelta(hours=hours)
    facts: list[Fact] = []
    drawn = set()
    for fact in month:
        if isinstance(fact.event, RecipientAssigned):
            if fact.event.campaign in drawn:
                continue  # which of two assignments counts is told as it is known now
            drawn.add(fact.event.campaign)
        facts.append(fact)
    now = folded(facts)
    then = folded(f for f in facts if f.occurred_at <= instant)
    purchases = now.all(PURCHASE).values()
    told = {
        key: recipient_at(recipient, purchases, instant)
        for key, recipient in now.all(RECIPIENT).items()
    }
    assert {k: r for k, r in told.items() if r is not None} == {
        k: r for k, r in then.all(RECIPIENT).items() if r.arm is not None
    }
