"""A recipient's purchases count from its anchor, for seven days, at the instant they happened."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from domain.campaign.events import Arm, Goal
from domain.message.events import AddressClass
from projections.conversion.tables import CAMPAIGN
from tests.projections.conversion.story import SPRING, SUMMER, Story, at, customer


@pytest.fixture
def story() -> Story:
    story = Story()
    story.assigned("ada")
    return story


@pytest.mark.parametrize(
    ("day", "counted"), [(-0.001, None), (0, 1), (0.999, 1), (1, 2), (6.999, 7), (7, None)]
)
def test_a_window_begins_with_the_anchor_and_ends_before_seven_days(
    story: Story, day: float, counted: int | None
) -> None:
    story.paid("ada", day, "30")
    recipient = story.recipient("ada")
    assert recipient.converted_day == counted
    assert recipient.converted_at == (at(day) if counted else None)
    assert recipient.orders == (1 if counted else 0)


def test_somebody_who_bought_nothing_is_still_a_recipient(story: Story) -> None:
    recipient = story.recipient("ada")
    assert (recipient.arm, recipient.window_ends) == ("treated", at(7))
    assert (recipient.converted_at, recipient.orders, recipient.net) == (None, 0, None)


def test_an_assignment_that_comes_after_the_purchases_looks_back() -> None:
    story = Story()
    story.paid("ada", 2, "30")
    story.paid("ada", 9, "5", order="2")
    story.assigned("ada", day=20)
    assert story.recipient("ada").converted_day == 3
    assert story.recipient("ada").net == 30


def test_an_earlier_payment_told_late_moves_the_purchase(story: Story) -> None:
    story.paid("ada", 8, "30")
    assert story.recipient("ada").orders == 0
    story.paid("ada", 6, "10", payment="deposit")
    assert story.recipient("ada").converted_day == 7
    assert story.recipient("ada").net == 40


def test_an_order_that_turns_out_to_be_bought_earlier_leaves_the_window(story: Story) -> None:
    story.paid("ada", 1, "30")
    story.paid("ada", -1, "10", payment="deposit")
    assert story.recipient("ada").converted_at is None
    assert story.purchases("ada") == []


def test_a_refund_lowers_the_net_whenever_it_comes_but_the_purchase_stays(story: Story) -> None:
    story.paid("ada", 1, "30")
    story.refunded("ada", 40, "12.50")
    assert story.recipient("ada").net == 17.5
    assert story.recipient("ada").converted_day == 2
    assert [(p.since, p.until, p.net) for p in story.purchases("ada")] == [
        (at(1), at(40), Decimal(30)),
        (at(40), None, Decimal("17.5")),
    ]


def test_a_refund_that_was_told_before_its_order_counts_once_the_order_comes(
    story: Story,
) -> None:
    story.refunded("ada", 3, "10")
    assert story.recipient("ada").orders == 0
    story.paid("ada", 1, "30")
    assert story.recipient("ada").net == 20


def test_a_wholly_refunded_or_cancelled_order_is_a_purchase_that_was_not_kept(
    story: Story,
) -> None:
    story.paid("ada", 1, "30")
    story.refunded("ada", 2, None)
    story.paid("ada", 1, "20", order="2")
    story.cancelled("ada", 3, order="2")
    recipient = story.recipient("ada")
    assert (recipient.orders, recipient.net, recipient.converted_day) == (2, Decimal(20), 2)
    assert [p.kept for p in story.purchases("ada") if p.until is None] == [False, False]


def test_one_purchase_counts_in_every_campaign_whose_window_holds_it(story: Story) -> None:
    story.assigned("ada", campaign=SUMMER, anchor=3)
    story.paid("ada", 4, "30")
    assert story.recipient("ada").converted_day == 5
    assert story.recipient("ada", SUMMER).converted_day == 2


def test_a_narrower_goal_converts_by_its_product_but_every_order_is_revenue() -> None:
    story = Story()
    story.assigned("ada", goal=Goal(product="teapot"))
    story.listed("ada", 1, "cup", order="1")
    story.paid("ada", 1, "5", order="1")
    assert story.recipient("ada").converted_at is None
    story.listed("ada", 2, "cup", "teapot", order="2")
    story.paid("ada", 2, "40", order="2")
    recipient = story.recipient("ada")
    assert (recipient.converted_day, recipient.orders, recipient.net) == (3, 2, Decimal(45))


def test_a_goal_is_judged_by_the_lines_as_they_stood() -> None:
    story = Story()
    story.assigned("ada", goal=Goal(category="t"))
    story.listed("ada", 1, "cup")
    story.paid("ada", 1, "5")
    story.listed("ada", 3, "teapot", revised=True)
    assert [(p.since, p.meets_goal) for p in story.purchases("ada")] == [
        (at(1), False),
        (at(3), True),
    ]


def test_sums_never_mix_currencies(story: Story) -> None:
    story.paid("ada", 1, "30")
    story.paid("ada", 2, "10", order="2", currency="EUR")
    story.paid("ada", 3, "10", order="3", currency="EUR")
    recipient = story.recipient("ada")
    assert (recipient.orders, recipient.currency, recipient.net) == (3, "EUR", Decimal(20))


def test_two_recipients_who_are_one_count_once_by_the_earlier_anchor() -> None:
    story = Story()
    story.assigned("ada", Arm.CONTROL, anchor=5)
    story.paid("ada", 1, "30")
    story.paid("ada", 6, "10", order="2")
    assert story.recipient("ada").converted_day == 2
    story.assigned("ada", Arm.TREATED, anchor=0)
    recipient = story.recipient("ada")
    assert (recipient.arm, recipient.anchor, recipient.both_arms) == ("treated", at(0), True)
    assert (recipient.orders, recipient.net, recipient.converted_day) == (2, Decimal(40), 2)
    assert len(story.purchases("ada")) == 2


def test_the_last_touch_is_the_latest_message_within_seven_days(story: Story) -> None:
    story.assigned("ada", campaign=SUMMER, anchor=30)
    story.sent("ada", 0)
    story.sent("ada", 30, SUMMER)
    story.sent("ada", 33)
    story.paid("ada", 32, "30", order="1")
    story.paid("ada", 34, "20", order="2")
    story.paid("ada", 41, "10", order="3")
    spring = [(p.net, p.day) for p in story.purchases("ada") if p.last_touch]
    summer = [p.net for p in story.purchases("ada", SUMMER) if p.last_touch]
    assert spring == [(Decimal(20), None)]  # outside its own window: a touch alone
    assert summer == [30]


def test_a_message_told_later_takes_the_touch(story: Story) -> None:
    story.assigned("ada", campaign=SUMMER)
    story.sent("ada", 1)
    story.paid("ada", 3, "30")
    assert [p.last_touch for p in story.purchases("ada")] == [True]
    story.sent("ada", 2, SUMMER)
    assert [p.last_touch for p in story.purchases("ada")] == [False]
    assert [p.last_touch for p in story.purchases("ada", SUMMER)] == [True]


def test_nobody_of_the_control_group_is_touched() -> None:
    story = Story()
    story.sent("ada", 1)
    story.paid("ada", 2, "30")
    story.assigned("ada", Arm.CONTROL)
    assert [p.last_touch for p in story.purchases("ada")] == [False]


def test_the_funnel_keeps_the_first_of_each_step_and_scanners_apart(story: Story) -> None:
    story.sent("ada", 1)
    story.sent("ada", 0.5)
    story.clicked("ada", 1, delay_ms=300)
    story.clicked("ada", 2, address_class=AddressClass.MOBILE, delay_ms=90_000)
    story.clicked("ada", 1.5, delay_ms=50_000)
    recipient = story.recipient("ada")
    assert recipient.sent_at == at(0.5)
    assert recipient.clicked_by_scanner_at == at(1)
    assert recipient.clicked_by_person_at == at(1.5)


def test_a_window_that_no_calendar_holds_ends_with_the_calendar() -> None:
    story = Story()
    last_days = (datetime(9999, 12, 30, tzinfo=UTC) - at(0)) / timedelta(days=1)
    story.assigned("ada", anchor=last_days)
    assert story.recipient("ada").window_ends == datetime.max.replace(tzinfo=UTC)


def test_messages_without_an_assignment_make_no_recipient() -> None:
    story = Story()
    story.sent("ada", 1)
    story.paid("ada", 2, "30")
    assert story.recipient("ada").arm is None
    assert story.purchases("ada") == []


def test_a_campaign_says_what_it_is_and_that_it_is_simulated() -> None:
    story = Story()
    story.launched(simulated=True, goal=Goal(product="teapot"))
    row = story.replay.rows[SPRING].get(CAMPAIGN)
    assert row is not None
    assert (row.code, row.status, row.simulated, row.seed) == ("spring", "running", True, 7)
    assert row.goal_product == "teapot"
    assert customer("ada") not in story.replay.rows
