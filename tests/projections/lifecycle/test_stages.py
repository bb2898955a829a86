"""The definition of stages and tiers, line by line."""

from decimal import Decimal

import pytest

from domain.customer.events import TagAdded
from domain.lifecycle.events import LifecyclePolicyAdopted
from domain.message.events import Evidence, MessageClicked, MessageOpened
from domain.order.events import OrderCancelled, OrderPlaced
from domain.shared.channel import Channel
from domain.shared.events import Event
from domain.ticket.events import Author, TicketKind, TicketMessageAdded, TicketOpened, TicketRated
from tests.projections.histories import IDS, SHOP
from tests.projections.lifecycle.story import Life, at

SPRING = IDS.campaign(SHOP, "spring")
SECOND = 1 / 86_400


def test_somebody_known_by_an_anonymous_id_alone_is_a_visitor_for_ever() -> None:
    ada = Life(registered=None)
    ada.looks(0)
    assert ada.stage(0) == ada.stage(1_000) == "visitor"


def test_a_known_customer_who_has_not_bought_is_a_prospect_until_idle() -> None:
    ada = Life(registered=0)
    ada.looks(10)
    assert ada.stage(100 - SECOND) == "prospect"
    assert ada.stage(100) == "idle prospect"


def test_a_customer_without_activity_counts_from_when_it_became_known() -> None:
    ada = Life(registered=0)
    assert ada.stage(90 - SECOND) == "prospect"
    assert ada.stage(90) == "idle prospect"


def test_a_visitor_who_buys_is_new() -> None:
    ada = Life(registered=None)
    ada.buys(3)
    assert ada.stage(3) == "new"


def test_a_customer_is_new_for_thirty_days_of_elapsed_time() -> None:
    ada = Life()
    ada.buys(0.5)
    assert ada.stage(30.5 - SECOND) == "new"
    assert ada.stage(30.5) == "active"


def test_who_is_quiet_falls_silent_and_is_lost() -> None:
    ada = Life()
    ada.buys(0)
    ada.looks(40)
    assert ada.stage(130 - SECOND) == "active"
    assert ada.stage(130) == "silent"
    assert ada.stage(220 - SECOND) == "silent"
    assert ada.stage(220) == "lost"


def test_who_buys_again_after_a_silence_is_won_back_for_thirty_days() -> None:
    ada = Life()
    ada.buys(0)
    ada.buys(100)
    assert ada.stage(130 - SECOND) == "won back"
    assert ada.stage(130) == "active"


def test_a_silence_of_just_the_days_of_the_policy_is_none() -> None:
    ada = Life()
    ada.buys(0)
    ada.buys(90)
    assert ada.stage(90) == "active"


def test_activity_breaks_a_silence() -> None:
    ada = Life()
    ada.buys(0)
    ada.looks(50)
    ada.buys(100)
    assert ada.stage(100) == "active"


def test_a_silence_counts_wherever_it_is_between_two_purchases() -> None:
    ada = Life()
    ada.buys(0)
    ada.looks(95)
    ada.buys(100)
    assert ada.stage(96) == "active"
    assert ada.stage(100) == "won back"


def test_who_was_won_back_stays_so_when_buying_once_more() -> None:
    ada = Life()
    ada.buys(0)
    ada.buys(100)
    ada.buys(110)
    assert ada.stage(129) == "won back"
    assert ada.stage(131) == "active"


def test_new_comes_before_won_back() -> None:
    ada = Life()
    ada.adopts(0, LifecyclePolicyAdopted(new_days=200))
    ada.buys(0)
    ada.buys(100)
    assert ada.stage(100) == "new"


@pytest.mark.parametrize(
    "event",
    [
        OrderPlaced(number="1", currency="USD", total=Decimal(1)),
        TicketOpened(number="1", kind=TicketKind.INQUIRY, channel=Channel.CHAT, about="tea"),
        TicketMessageAdded(author=Author.CUSTOMER, text="hello"),
        TicketRated(score=5),
        MessageClicked(campaign=SPRING, link="/", evidence=Evidence(delay_ms=60_000)),
    ],
)
def test_what_a_customer_causes_is_activity(event: Event) -> None:
    ada = Life()
    ada.buys(0)
    ada.tell(80, event)
    assert ada.stage(100) == "active"


@pytest.mark.parametrize(
    "event",
    [
        MessageOpened(campaign=SPRING, evidence=Evidence()),
        MessageClicked(campaign=SPRING, link="/", evidence=Evidence(honeypot=True)),
        TicketMessageAdded(author=Author.AGENT, text="hello"),
        OrderCancelled(),
        TagAdded(tag="tea"),
    ],
)
def test_what_others_do_is_not_the_customers_activity(event: Event) -> None:
    ada = Life()
    ada.buys(0)
    ada.tell(80, event)
    assert ada.stage(100) == "silent"


def test_a_refund_lowers_value_and_does_not_unhappen_the_purchase() -> None:
    ada = Life()
    ada.buys(0, "2500", "big")
    ada.buys(1, "5", "small")
    ada.refunds(2, None, "big")
    standing = ada.on(3)
    assert (standing.stage.place, standing.tier.place) == ("new", "low")
    assert (standing.purchases, standing.kept_purchases) == (2, 1)
    assert standing.net == 5


@pytest.mark.parametrize(
    ("amount", "tier"),
    [("2000", "high"), ("1999.99", "general"), ("300", "general"), ("0.01", "low"), ("0", "none")],
)
def test_the_tier_is_told_by_net_lifetime_value(amount: str, tier: str) -> None:
    ada = Life()
    ada.buys(0, amount)
    assert ada.on(0).tier.place == tier


def test_money_of_another_currency_is_shown_apart() -> None:
    ada = Life()
    ada.buys(0, "5000", "a", currency="EUR")
    ada.buys(0, "10", "b")
    standing = ada.on(1)
    assert standing.tier.place == "low"
    assert standing.net == 10
    assert standing.nets == {"EUR": Decimal(5000), "USD": Decimal(10)}


def test_every_move_says_from_where_when_and_because_of_what() -> None:
    ada = Life()
    bought = ada.buys(1)
    again = ada.buys(200)
    assert ada.moves(1_000) == [
        (0, None, "prospect", 1),
        (1, "prospect", "new", bought),
        (31, "new", "active", None),
        (91, "active", "silent", None),
        (181, "silent", "lost", None),
        (200, "lost", "won back", again),
        (230, "won back", "active", None),
        (290, "active", "silent", None),
        (380, "silent", "lost", None),
    ]


def test_the_next_move_is_told_before_it_comes() -> None:
    ada = Life()
    ada.buys(0)
    turn = ada.on(10).next
    assert turn is not None
    assert (turn.at, turn.stage) == (at(30), "active")
    assert ada.on(1_000).next is None


def test_a_policy_holds_from_its_adoption_and_stages_before_are_not_rewritten() -> None:
    ada = Life()
    ada.buys(0)
    position = ada.adopts(60, LifecyclePolicyAdopted(silent_after_days=50, lost_after_days=70))
    assert ada.moves(80)[1:] == [
        (30, "new", "active", None),
        (60, "active", "silent", position),
        (70, "silent", "lost", None),
    ]


def test_who_was_won_back_by_an_older_measure_is_told_by_the_policy_in_force() -> None:
    ada = Life()
    ada.buys(0)
    ada.buys(60)
    assert ada.stage(61) == "active"
    ada.adopts(62, LifecyclePolicyAdopted(silent_after_days=50))
    assert ada.stage(62) == "won back"


def test_a_late_fact_corrects_the_moves_that_it_contradicts() -> None:
    ada = Life()
    ada.buys(0)
    assert ada.moves(200)[-1] == (180, "silent", "lost", None)
    ada.looks(85)
    assert ada.moves(200)[1:] == [(30, "new", "active", None), (175, "active", "silent", None)]


def test_years_of_old_orders_after_live_events_give_the_same_history() -> None:
    days = [0, 20, 150, 151, 400, 700]
    in_order, imported = Life(), Life()
    for day in (*days, 1_000, 1_001):
        in_order.buys(day)
    for day in (1_000, 1_001, *reversed(days)):
        imported.buys(day)
    told = [move[:3] for move in in_order.moves(2_000)]
    assert [move[:3] for move in imported.moves(2_000)] == told
