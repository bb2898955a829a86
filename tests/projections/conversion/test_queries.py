"""What is answered about campaigns, at the instant asked about."""

from decimal import Decimal
from uuid import UUID

import pytest

from domain.campaign.events import Arm, Goal
from projections.conversion.answers import Conversion
from projections.conversion.counts import NO_CONTROL, NOBODY
from projections.conversion.queries import campaigns, conversion, recipient_of
from tests.projections.conversion.conftest import Show
from tests.projections.conversion.story import SPRING, SUMMER, Story, at, customer


@pytest.fixture
def story() -> Story:
    """Four treated, two in control; the second batch is two days behind the first."""
    story = Story()
    story.launched()
    for who in ("ada", "ben", "cleo"):
        story.assigned(who)
    story.assigned("dora", anchor=2, day=2)
    for who in ("emil", "fred"):
        story.assigned(who, Arm.CONTROL)
    story.paid("ada", 0.5, "30")
    story.paid("ada", 5, "10", order="2")
    story.paid("ben", 3.5, "20")
    story.paid("dora", 2.5, "5")
    story.paid("emil", 6.5, "8")
    story.refunded("ada", 20, "12.50")
    return story


def asked(show: Show, story: Story, day: float, campaign: UUID = SPRING) -> Conversion:
    answer = conversion(show(story), campaign, at(day))
    assert answer is not None
    return answer


def test_the_curve_is_the_share_of_the_mature_who_converted_within_each_day(
    show: Show, story: Story
) -> None:
    answer = asked(show, story, 30)
    treated, control = answer.arms
    assert (treated.arm, treated.recipients, treated.mature) == ("treated", 4, 4)
    assert [day.converted for day in treated.curve] == [2, 2, 2, 3, 3, 3, 3]
    assert treated.curve[-1].share == pytest.approx(0.75)
    assert [day.converted for day in control.curve] == [0, 0, 0, 0, 0, 0, 1]
    for arm in answer.arms:  # when all are mature the two agree
        assert [d.estimate for d in arm.curve] == pytest.approx([d.share for d in arm.curve])


def test_while_it_runs_the_estimate_takes_everybody_as_far_as_they_were_watched(
    show: Show, story: Story
) -> None:
    """At day 4: ada after 0.5, dora after 0.5 (watched for 2), ben after 3.5, cleo not, in 4."""
    treated = asked(show, story, 4).arms[0]
    assert (treated.recipients, treated.mature) == (4, 0)
    assert [day.share for day in treated.curve] == [None] * 7
    after_one, after_four = 1 - 2 / 4, 1 - 2 / 4 * 1 / 2
    assert [day.estimate for day in treated.curve] == pytest.approx(
        [after_one] * 3 + [after_four] * 4
    )


def test_who_goes_out_of_sight_is_not_at_risk_afterwards(show: Show) -> None:
    """At day 3: watched for 3, 3, 1 and 1; one of four converts on day 1, one of two on day 3."""
    story = Story()
    story.launched()
    for who, anchor in (("ada", 0), ("ben", 0), ("cleo", 2), ("dora", 2)):
        story.assigned(who, anchor=anchor, day=anchor)
    story.paid("cleo", 2.25, "5")
    story.paid("ada", 2.5, "5")
    curve = asked(show, story, 3).arms[0].curve
    assert [day.estimate for day in curve[:3]] == pytest.approx([1 / 4, 1 / 4, 1 - 3 / 4 * 1 / 2])


def test_revenue_is_net_of_refunds_per_arm_and_recipient(show: Show, story: Story) -> None:
    answer = asked(show, story, 30)
    treated, control = answer.arms
    assert answer.currency == "USD"
    assert treated.revenue.orders == treated.revenue.kept == 4
    assert treated.revenue.net == Decimal("52.50")
    assert treated.revenue.per_recipient == Decimal("13.125")
    assert (control.revenue.net, control.revenue.per_recipient) == (Decimal(8), Decimal(4))
    assert answer.incremental is not None
    assert answer.incremental.amount == pytest.approx((13.125 - 4) * 4)
    assert answer.incremental.seed == 7


def test_nothing_that_occurred_later_counts_refunds_included(show: Show, story: Story) -> None:
    before = asked(show, story, 19.999)
    assert before.arms[0].revenue.net == 65
    assert asked(show, story, 20).arms[0].revenue.net == Decimal("52.50")
    early = asked(show, story, 1)
    assert [(a.arm, a.recipients, a.mature) for a in early.arms] == [
        ("treated", 3, 0),
        ("control", 2, 0),
    ]
    assert early.arms[0].revenue.net == 30
    assert early.arms[0].revenue.per_recipient is None


def test_the_uplift_has_newcombes_interval(show: Show) -> None:
    story = Story()
    story.launched()
    for arm, recipients, converted in ((Arm.TREATED, 70, 56), (Arm.CONTROL, 80, 48)):
        for number in range(recipients):
            story.assigned(f"{arm} {number}", arm)
            if number < converted:
                story.paid(f"{arm} {number}", 1, "10")
    uplift = asked(show, story, 8).uplift
    assert uplift is not None
    assert uplift.difference == pytest.approx(0.2)
    assert uplift.interval.low == pytest.approx(0.0524, abs=5e-5)
    assert uplift.interval.high == pytest.approx(0.3339, abs=5e-5)


def test_without_a_control_group_no_uplift_is_shown_and_it_says_why(show: Show) -> None:
    story = Story()
    story.launched()
    story.assigned("ada")
    answer = asked(show, story, 8)
    assert (answer.uplift, answer.incremental) == (None, None)
    assert answer.why_no_uplift == NO_CONTROL


def test_before_maturity_no_uplift_is_shown_and_it_says_why(show: Show, story: Story) -> None:
    answer = asked(show, story, 6)
    assert answer.uplift is None
    assert answer.why_no_uplift == "Nobody of the treated has been watched for all 7 days yet."


def test_a_campaign_of_nobody_says_so(show: Show) -> None:
    story = Story()
    story.launched()
    answer = asked(show, story, 1)
    assert (answer.arms, answer.why_no_uplift, answer.currency) == ([], NOBODY, None)


def test_there_is_no_answer_about_no_campaign(show: Show, story: Story) -> None:
    assert conversion(show(story), UUID(int=7), at(1)) is None


def test_the_funnel_counts_recipients_at_each_step(show: Show, story: Story) -> None:
    for who in ("ada", "ben", "cleo"):
        story.sent(who, 0.1)
    story.clicked("ada", 1, delay_ms=100)
    story.clicked("ben", 1)
    story.clicked("ben", 2)
    funnel = asked(show, story, 30).arms[0].funnel
    assert (funnel.sent, funnel.clicked_by_person, funnel.clicked_by_scanner) == (3, 1, 1)
    assert funnel.converted == 3
    assert asked(show, story, 0.5).arms[0].funnel.clicked_by_person == 0


def test_last_touches_add_up_to_no_more_than_the_whole(show: Show, story: Story) -> None:
    story.launched(SUMMER)
    story.assigned("ada", campaign=SUMMER)
    story.sent("ada", 0)
    story.sent("ada", 3, SUMMER)
    spring, summer = asked(show, story, 30), asked(show, story, 30, SUMMER)
    assert (spring.last_touch.orders, spring.last_touch.net) == (1, Decimal("17.50"))
    assert (summer.last_touch.orders, summer.last_touch.net) == (1, Decimal(10))
    assert summer.arms[0].revenue.net == Decimal("27.50")


def test_who_was_in_both_arms_is_counted_once_and_shown(show: Show, story: Story) -> None:
    story.assigned("ada", Arm.CONTROL, anchor=1)
    answer = asked(show, story, 30)
    assert answer.both_arms == 1
    assert [arm.recipients for arm in answer.arms] == [4, 2]


def test_other_currencies_are_shown_apart(show: Show, story: Story) -> None:
    story.paid("cleo", 1, "9", currency="EUR")
    treated = asked(show, story, 30).arms[0]
    assert treated.revenue.orders == 5
    assert treated.revenue.net == Decimal("52.50")
    assert treated.revenue.other_currencies == {"EUR": 9}


def test_a_simulated_campaign_says_so_wherever_it_shows(show: Show) -> None:
    story = Story()
    story.launched(simulated=True)
    assert asked(show, story, 1).campaign.simulated
    assert [c.campaign.simulated for c in campaigns(show(Story()), at(1))] == [True]


def test_the_list_of_campaigns_says_the_same_as_each_of_them(show: Show, story: Story) -> None:
    story.launched(SUMMER, day=1, goal=Goal(product="teapot"))
    story.assigned("ada", campaign=SUMMER, anchor=1, day=1)
    connection = show(story)
    summer, spring = campaigns(connection, at(30))
    assert (spring.campaign.campaign, spring.campaign.status) == (SPRING, "running")
    assert (spring.recipients, spring.treated, spring.control, spring.mature) == (6, 4, 2, 6)
    assert list(spring.converted) == [2, 2, 2, 3, 3, 3, 3]
    assert (spring.treated_rate, spring.control_rate) == (0.75, 0.5)
    assert (spring.currency, spring.net) == ("USD", Decimal("60.50"))
    whole = conversion(connection, SPRING, at(30))
    assert whole is not None
    assert (spring.campaign, spring.uplift) == (whole.campaign, whole.uplift)
    assert (summer.campaign.goal_product, summer.recipients, summer.net) == (
        "teapot",
        1,
        Decimal(10),
    )
    assert summer.why_no_uplift == NO_CONTROL
    assert [c.campaign.campaign for c in campaigns(connection, at(0.5))] == [SPRING]


def test_a_customers_campaigns_are_told_as_they_stood(show: Show, story: Story) -> None:
    connection = show(story)
    (now,) = recipient_of(connection, customer("ada"), at(30))
    assert (now.orders, now.net, now.converted_day) == (2, Decimal("27.50"), 1)
    (then,) = recipient_of(connection, customer("ada"), at(1))
    assert (then.orders, then.net) == (1, Decimal(30))
    assert recipient_of(connection, customer("dora"), at(1)) == []
