"""Recipients: assigned once; sent to, and heard of, only when treated."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from domain.campaign.events import Arm, RecipientAssigned
from domain.message.aggregate import HeldOut, NotAssigned, OnItsWay, Recipient
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
from tests.scenario import of

SPRING = UUID(int=5)
BO = UUID(int=42)
treated = RecipientAssigned(
    campaign=SPRING, arm=Arm.TREATED, anchor=datetime(2026, 3, 1, tzinfo=UTC), seed=7
)
control = msgspec.structs.replace(treated, arm=Arm.CONTROL)
REPORTS: list[OnItsWay] = [
    MessageSent(campaign=SPRING, channel=Channel.EMAIL),
    MessageDelivered(campaign=SPRING),
    MessageOpened(campaign=SPRING, evidence=Evidence(agent="Mail", delay_ms=900)),
    MessageClicked(campaign=SPRING, link="https://shop.example/tea", evidence=Evidence()),
    MessageBounced(campaign=SPRING, permanent=True, reason="no such user"),
    MessageFailed(campaign=SPRING, reason="no address"),
    MessageComplained(campaign=SPRING),
]
each_report = pytest.mark.parametrize("report", REPORTS, ids=lambda r: r.stored.name)


def test_a_recipient_is_assigned() -> None:
    of(Recipient).when(lambda r: r.assign(treated)).then(treated)


@pytest.mark.parametrize("again", [treated, control])
def test_the_first_assignment_holds(again: RecipientAssigned) -> None:
    of(Recipient).given(treated).when(lambda r: r.assign(again)).then_nothing()


@each_report
def test_what_became_of_a_message_is_kept(report: OnItsWay) -> None:
    of(Recipient).given(treated).when(lambda r: r.report(BO, report)).then(report)


@each_report
def test_the_same_report_twice_is_not_news(report: OnItsWay) -> None:
    of(Recipient).given(treated, report).when(lambda r: r.report(BO, report)).then_nothing()


@each_report
def test_the_control_group_is_sent_nothing(report: OnItsWay) -> None:
    of(Recipient).given(control).when(lambda r: r.report(BO, report)).then_refused(
        HeldOut, str(BO), str(SPRING)
    )


@each_report
def test_nobody_is_sent_to_before_they_are_assigned(report: OnItsWay) -> None:
    of(Recipient).when(lambda r: r.report(BO, report)).then_refused(
        NotAssigned, str(BO), str(SPRING)
    )


def test_a_click_with_other_evidence_is_another_click() -> None:
    first, second = (
        MessageClicked(campaign=SPRING, link="https://shop.example", evidence=Evidence(delay_ms=n))
        for n in (1, 2)
    )
    of(Recipient).given(treated, first).when(lambda r: r.report(BO, second)).then(second)


def test_reports_come_in_any_order() -> None:
    of(Recipient).given(treated, REPORTS[2]).when(lambda r: r.report(BO, REPORTS[0])).then(
        REPORTS[0]
    )
