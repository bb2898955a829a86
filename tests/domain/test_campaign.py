"""Campaigns: drafted, launched with a draw that anybody can repeat, ended."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaign.aggregate import (
    Campaign,
    DraftedOtherwise,
    Ended,
    LaunchedOtherwise,
    NotLaunched,
)
from domain.campaign.draw import draw
from domain.campaign.events import (
    Arm,
    CampaignDrafted,
    CampaignEnded,
    CampaignLaunched,
    Goal,
    RecipientAssigned,
)
from domain.shared.channel import Channel
from domain.shared.refusals import Malformed, NotFound
from tests.scenario import ID, of

drafted = CampaignDrafted(
    code="spring", name="Spring", channel=Channel.EMAIL, goal=Goal(category="tea")
)
launched = CampaignLaunched(control_share=Decimal("0.25"), seed=7)
ended = CampaignEnded()
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BO = UUID(int=42)


def draft(campaign: Campaign, name: str = "Spring") -> None:
    campaign.draft(
        "spring",
        name,
        Channel.EMAIL,
        goal=Goal(category="tea"),
        description=None,
        simulated=False,
    )


def launch(campaign: Campaign, share: str = "0.25", seed: int = 7) -> None:
    campaign.launch(Decimal(share), seed)


def test_a_campaign_is_drafted() -> None:
    of(Campaign).when(draft).then(drafted)


def test_drafting_twice_is_not_news() -> None:
    of(Campaign).given(drafted, launched).when(draft).then_nothing()


def test_a_code_stands_for_one_campaign() -> None:
    of(Campaign).given(drafted).when(lambda c: draft(c, "Autumn")).then_refused(
        DraftedOtherwise, "spring"
    )


def test_a_campaign_is_launched_for_seven_days_windows() -> None:
    of(Campaign).given(drafted).when(launch).then(launched)
    assert launched.window_days == 7


def test_launching_twice_is_not_news() -> None:
    of(Campaign).given(drafted, launched, ended).when(launch).then_nothing()


@pytest.mark.parametrize(("share", "seed"), [("0.2", 7), ("0.25", 8)])
def test_share_and_seed_are_fixed_at_launch(share: str, seed: int) -> None:
    of(Campaign).given(drafted, launched).when(lambda c: launch(c, share, seed)).then_refused(
        LaunchedOtherwise, "spring", "0.25", "7"
    )


@pytest.mark.parametrize("share", ["-0.01", "1", "1.5", "NaN", "Infinity"])
def test_a_control_share_is_below_everybody(share: str) -> None:
    of(Campaign).given(drafted).when(lambda c: launch(c, share)).then_refused(
        Malformed, "control_share"
    )


@pytest.mark.parametrize("seed", [-1, 2**53])
def test_a_seed_is_a_number_that_json_holds(seed: int) -> None:
    of(Campaign).given(drafted).when(lambda c: launch(c, seed=seed)).then_refused(Malformed, "seed")


def test_a_campaign_ends() -> None:
    of(Campaign).given(drafted, launched).when(Campaign.end).then(ended)


def test_ending_twice_is_not_news() -> None:
    of(Campaign).given(drafted, launched, ended).when(Campaign.end).then_nothing()


def test_what_was_not_launched_does_not_end() -> None:
    of(Campaign).given(drafted).when(Campaign.end).then_refused(NotLaunched, "spring")


@pytest.mark.parametrize(
    "ask", [launch, Campaign.end, lambda c: c.assignment(BO, NOON)], ids=["launch", "end", "assign"]
)
def test_nothing_is_asked_of_a_campaign_that_is_not_there(ask: object) -> None:
    of(Campaign).when(ask).then_refused(NotFound, "campaign", str(ID))  # type: ignore[arg-type]  # one answers an event


def test_an_assignment_carries_what_its_figures_rest_on() -> None:
    campaign = Campaign.after(ID, [drafted, launched])
    assert campaign.assignment(BO, NOON) == RecipientAssigned(
        campaign=ID,
        arm=draw(7, BO, Decimal("0.25")),
        anchor=NOON,
        window_days=7,
        goal=Goal(category="tea"),
        seed=7,
    )


def test_nobody_is_assigned_before_the_launch_nor_after_the_end() -> None:
    with pytest.raises(NotLaunched, match="spring"):
        Campaign.after(ID, [drafted]).assignment(BO, NOON)
    with pytest.raises(Ended, match="spring"):
        Campaign.after(ID, [drafted, launched, ended]).assignment(BO, NOON)


def test_the_draw_never_changes() -> None:
    drawn = [draw(7, UUID(int=n), Decimal("0.5")) for n in range(8)]
    assert "".join(arm[0] for arm in drawn) == "cctttcct"


@given(st.integers(0, 2**53 - 1), st.uuids())
def test_without_a_control_share_everybody_is_treated(seed: int, recipient: UUID) -> None:
    assert draw(seed, recipient, Decimal(0)) is Arm.TREATED


shares = st.decimals(0, Decimal("0.99"), places=2)


@given(st.integers(0, 2**53 - 1), st.uuids(), shares, shares)
def test_a_larger_share_only_adds_to_the_control_group(
    seed: int, recipient: UUID, one: Decimal, other: Decimal
) -> None:
    small, large = sorted((one, other))
    if draw(seed, recipient, small) is Arm.CONTROL:
        assert draw(seed, recipient, large) is Arm.CONTROL


def test_the_share_of_many_is_about_the_share_asked_for() -> None:
    control = sum(draw(1, UUID(int=n), Decimal("0.2")) is Arm.CONTROL for n in range(10_000))
    assert 1_850 < control < 2_150


def test_a_control_share_of_less_than_nothing_by_its_sign_alone_is_nothing() -> None:
    campaign = Campaign(ID)
    draft(campaign)
    launch(campaign, "-0.00")
    *_, begun = (decided.event for decided in campaign.collect_events())
    assert isinstance(begun, CampaignLaunched)
    assert str(begun.control_share) == "0.00"
