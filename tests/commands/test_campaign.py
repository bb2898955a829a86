"""Campaigns draw their recipients in parts, once each, and hear only of whom they were sent to."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from commands.campaign import (
    MOST_RECIPIENTS,
    PART,
    AssignPart,
    AssignRecipients,
    DraftCampaign,
    EndCampaign,
    LaunchCampaign,
)
from commands.message import (
    MOST_OUTCOMES,
    Happened,
    Outcome,
    ReportMessage,
    ReportMessages,
)
from domain.campaign.aggregate import Ended, NotLaunched
from domain.campaign.draw import draw
from domain.campaign.events import (
    Arm,
    CampaignDrafted,
    CampaignEnded,
    CampaignLaunched,
    Goal,
    RecipientAssigned,
)
from domain.message.aggregate import HeldOut, NotAssigned
from domain.message.events import (
    Evidence,
    MessageBounced,
    MessageClicked,
    MessageComplained,
    MessageDelivered,
    MessageFailed,
    MessageOpened,
    MessageSent,
)
from domain.shared.channel import Channel
from domain.shared.events import Event
from domain.shared.refusals import Malformed, NotFound, PreconditionFailed
from infra.sealing import PersonKeys
from tests.commands.desk import IDS, NOON, Ask, Facts, answer, events, id_of

SPRING = IDS.campaign("shop", "spring")
ANCHOR = NOON + timedelta(days=1)
SHARE = Decimal("0.25")
draft = DraftCampaign(
    code="spring", name="Spring", channel=Channel.EMAIL, goal=Goal(category="tea")
)
launch = LaunchCampaign(campaign=SPRING, control_share=SHARE, seed=7)
PEOPLE = tuple(IDS.user("shop", str(n)) for n in range(2_500))
TREATED = [p for p in PEOPLE if draw(7, p, SHARE) is Arm.TREATED]
CONTROL = [p for p in PEOPLE if draw(7, p, SHARE) is Arm.CONTROL]


@pytest.fixture
def launched(ask: Ask) -> None:
    ask(draft)
    ask(launch)


def assign(*people: UUID, anchor: datetime = ANCHOR) -> AssignRecipients:
    return AssignRecipients(campaign=SPRING, recipients=people, anchor=anchor)


def test_a_campaign_is_drafted_launched_and_ended_once(ask: Ask, facts: Facts) -> None:
    assert id_of(ask(draft)) == SPRING
    for command in (draft, launch, EndCampaign(campaign=SPRING)):
        ask(command)
        assert ask(command).recorded == 0
    assert events(facts()) == [
        CampaignDrafted(
            code="spring", name="Spring", channel=Channel.EMAIL, goal=Goal(category="tea")
        ),
        CampaignLaunched(control_share=SHARE, seed=7),
        CampaignEnded(),
    ]
    assert {(f.origin, f.subject) for f in facts()} == {(None, None)}


def test_a_campaign_without_a_seed_is_given_one_that_stays(ask: Ask) -> None:
    ask(draft)
    anyhow = LaunchCampaign(campaign=SPRING, control_share=SHARE)
    seed = answer(ask(anyhow))["seed"]
    assert ask(anyhow).recorded == 0
    assert answer(ask(anyhow))["seed"] == seed


@pytest.mark.usefixtures("launched")
def test_everybody_is_drawn_once_in_parts(ask: Ask, facts: Facts) -> None:
    receipt = ask(assign(*PEOPLE))
    assert answer(receipt) == {
        "assigned": 2_500,
        "already": 0,
        "treated": len(TREATED),
        "control": len(CONTROL),
        "forgotten": 0,
    }
    told = facts()[2:]
    assert receipt.position == told[-1].position
    assert receipt.recorded == 2_500
    assert len({f.recorded_at for f in told}) == 3
    assert [f.subject for f in told] == list(PEOPLE)
    assert told[0].stream == IDS.assignment(SPRING, PEOPLE[0])
    assert told[0].event == RecipientAssigned(
        campaign=SPRING,
        arm=draw(7, PEOPLE[0], SHARE),
        anchor=ANCHOR,
        goal=Goal(category="tea"),
        seed=7,
    )


@pytest.mark.usefixtures("launched")
def test_being_assigned_twice_is_not_news(ask: Ask, facts: Facts) -> None:
    ask(assign(*PEOPLE[:30]))
    again = ask(assign(*PEOPLE[:50], *PEOPLE[:10], anchor=ANCHOR + timedelta(days=9)))
    told = answer(again)
    assert (told["assigned"], told["already"]) == (20, 40)
    assert told["treated"] + told["control"] == 50
    anchors = [e.anchor for e in events(facts()) if isinstance(e, RecipientAssigned)]
    assert Counter(anchors) == {ANCHOR: 30, ANCHOR + timedelta(days=9): 20}


@pytest.mark.usefixtures("launched")
def test_who_was_forgotten_is_left_out(ask: Ask, facts: Facts, keys: PersonKeys) -> None:
    ask(assign(*PEOPLE[:5]))
    keys.forget(PEOPLE[3:10])
    told = answer(ask(assign(*PEOPLE[:20])))
    assert (told["assigned"], told["already"], told["forgotten"]) == (10, 3, 7)
    assert told["treated"] + told["control"] == 13
    assert [f.origin for f in facts()[2:]] == [*PEOPLE[:5], *PEOPLE[10:20]]
    assert answer(ask(assign(*PEOPLE[3:10])))["forgotten"] == 7


@pytest.mark.usefixtures("launched")
def test_an_assignment_that_was_cut_short_does_the_rest(ask: Ask, facts: Facts) -> None:
    ask(AssignPart(campaign=SPRING, recipients=PEOPLE[:PART], anchor=ANCHOR))
    receipt = ask(assign(*PEOPLE), idempotency="k1")
    assert answer(receipt)["assigned"] == len(PEOPLE) - PART
    again = ask(assign(*PEOPLE), idempotency="k1")
    assert again.duplicate
    assert again.answer == receipt.answer
    assert len(facts()) == 2 + len(PEOPLE)


@pytest.mark.usefixtures("launched")
def test_more_than_a_hundred_thousand_at_once_are_malformed(ask: Ask) -> None:
    with pytest.raises(Malformed, match="recipients: are 100001"):
        ask(assign(*([PEOPLE[0]] * (MOST_RECIPIENTS + 1))))


@pytest.mark.usefixtures("launched")
def test_an_anchor_without_a_time_zone_is_malformed(ask: Ask) -> None:
    with pytest.raises(Malformed, match="anchor"):
        ask(assign(PEOPLE[0], anchor=datetime(2026, 3, 1)))  # noqa: DTZ001  # the bad example


@pytest.mark.usefixtures("launched")
@pytest.mark.parametrize("year", [2040, 9999])
def test_an_anchor_far_ahead_is_a_mistake(ask: Ask, facts: Facts, year: int) -> None:
    before = len(facts())
    with pytest.raises(Malformed, match="anchor: is more than ten years ahead"):
        ask(assign(PEOPLE[0], anchor=datetime(year, 12, 31, 23, 59, tzinfo=UTC)))
    assert len(facts()) == before


def test_nobody_is_assigned_before_the_launch_nor_after_the_end(ask: Ask, facts: Facts) -> None:
    with pytest.raises(NotFound):
        ask(assign(PEOPLE[0]))
    ask(draft)
    with pytest.raises(NotLaunched):
        ask(assign(PEOPLE[0]))
    ask(launch)
    ask(EndCampaign(campaign=SPRING))
    with pytest.raises(Ended):
        ask(assign(PEOPLE[0]))
    assert len(facts()) == 3


@pytest.mark.usefixtures("launched")
def test_a_campaign_that_has_moved_on_draws_nobody(ask: Ask) -> None:
    with pytest.raises(PreconditionFailed):
        ask(assign(PEOPLE[0]), if_match=1)
    assert answer(ask(assign(PEOPLE[0]), if_match=2))["assigned"] == 1


REPORTS: dict[Happened, tuple[dict[str, Any], Event]] = {
    Happened.SENT: (
        {"channel": Channel.EMAIL},
        MessageSent(campaign=SPRING, channel=Channel.EMAIL),
    ),
    Happened.DELIVERED: ({}, MessageDelivered(campaign=SPRING)),
    Happened.OPENED: (
        {"evidence": Evidence(agent="Mail")},
        MessageOpened(campaign=SPRING, evidence=Evidence(agent="Mail")),
    ),
    Happened.CLICKED: (
        {"link": "https://shop.example"},
        MessageClicked(campaign=SPRING, link="https://shop.example", evidence=Evidence()),
    ),
    Happened.BOUNCED: (
        {"permanent": True, "reason": "gone"},
        MessageBounced(campaign=SPRING, permanent=True, reason="gone"),
    ),
    Happened.FAILED: (
        {"reason": "no address"},
        MessageFailed(campaign=SPRING, reason="no address"),
    ),
    Happened.COMPLAINED: ({}, MessageComplained(campaign=SPRING)),
}


@pytest.mark.usefixtures("launched")
def test_each_outcome_is_its_fact_once(ask: Ask, facts: Facts) -> None:
    who = TREATED[0]
    ask(assign(who))
    for happened, (more, _) in REPORTS.items():
        outcome = Outcome(recipient=who, happened=happened, occurred_at=NOON, **more)
        report = ReportMessage(campaign=SPRING, outcome=outcome)
        assert ask(report).recorded == 1
        assert ask(report).recorded == 0
    told = facts()[3:]
    assert events(told) == [fact for _, fact in REPORTS.values()]
    assert {f.subject for f in told} == {who}
    assert {f.stream for f in told} == {IDS.assignment(SPRING, who)}


@pytest.mark.usefixtures("launched")
def test_one_report_is_refused_with_its_reason(ask: Ask) -> None:
    ask(assign(CONTROL[0]))
    for who, refusal in ((CONTROL[0], HeldOut), (CONTROL[1], NotAssigned)):
        sent = Outcome(recipient=who, happened=Happened.SENT, channel=Channel.EMAIL)
        with pytest.raises(refusal, match=str(who)):
            ask(ReportMessage(campaign=SPRING, outcome=sent))


@pytest.mark.usefixtures("launched")
@pytest.mark.parametrize(
    ("happened", "field"),
    [(Happened.SENT, "channel"), (Happened.CLICKED, "link"), (Happened.FAILED, "reason")],
)
def test_a_report_that_lacks_something_is_malformed(
    ask: Ask, happened: Happened, field: str
) -> None:
    ask(assign(TREATED[0]))
    outcome = Outcome(recipient=TREATED[0], happened=happened)
    with pytest.raises(Malformed, match=field):
        ask(ReportMessage(campaign=SPRING, outcome=outcome))


@pytest.mark.usefixtures("launched")
def test_of_many_reports_only_the_bad_ones_are_refused(ask: Ask, facts: Facts) -> None:
    ask(assign(*PEOPLE))
    before = len(facts())
    late = NOON - timedelta(hours=1)
    outcomes = [
        Outcome(recipient=p, happened=Happened.DELIVERED, occurred_at=late) for p in TREATED[:1_400]
    ]
    outcomes[3] = Outcome(recipient=CONTROL[0], happened=Happened.DELIVERED)
    outcomes[1_200] = Outcome(recipient=UUID(int=1), happened=Happened.DELIVERED)
    outcomes[1_300] = Outcome(recipient=TREATED[0], happened=Happened.SENT)
    outcomes += [outcomes[0], outcomes[5]]
    report = ReportMessages(campaign=SPRING, outcomes=tuple(outcomes))
    told = answer(ask(report))
    assert (told["recorded"], told["known"]) == (1_397, 2)
    assert [(r["index"], r["refusal"]) for r in told["refused"]] == [
        (3, "HeldOut"),
        (1_200, "NotAssigned"),
        (1_300, "Malformed"),
    ]
    assert told["refused"][2]["reason"].startswith("channel: ")
    assert {f.occurred_at for f in facts()[before:]} == {late}
    again = answer(ask(report))
    assert (again["recorded"], again["known"], len(again["refused"])) == (0, 1_399, 3)


@pytest.mark.usefixtures("launched")
def test_more_than_ten_thousand_reports_at_once_are_malformed(ask: Ask) -> None:
    one = Outcome(recipient=TREATED[0], happened=Happened.DELIVERED)
    with pytest.raises(Malformed, match="outcomes: are 10001"):
        ask(ReportMessages(campaign=SPRING, outcomes=(one,) * (MOST_OUTCOMES + 1)))
