"""What a shop's sender can report of a campaign's messages."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from commands.work import Command, Each, Work, handles, handles_in_parts, utc
from domain.message.aggregate import OnItsWay, Recipient
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
from domain.shared.refusals import Malformed, Refused
from domain.shared.text import text, text_or_none

MOST_OUTCOMES: Final = 10_000
PART: Final = 1_000
LONGEST_LINK: Final = 2_000


class Happened(StrEnum):
    """What became of a message."""

    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    BOUNCED = "bounced"
    FAILED = "failed"
    COMPLAINED = "complained"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one recipient's message, and when.

    Sent needs `channel`, clicked `link`, failed `reason`; opened and clicked take `evidence`,
    bounced `permanent` and `reason`.
    """

    recipient: UUID
    happened: Happened
    occurred_at: datetime | None = None
    channel: Channel | None = None
    link: str | None = None
    evidence: Evidence = Evidence()
    permanent: bool = False
    reason: str | None = None


class ReportMessage(Command, frozen=True, kw_only=True):
    """Keep what became of one message."""

    campaign: UUID
    outcome: Outcome


class ReportMessages(Command, frozen=True, kw_only=True):
    """Keep what became of up to 10,000 messages; a bad outcome is refused alone.

    Answers {recorded, known, refused: [{index, refusal, reason}]}.
    """

    campaign: UUID
    outcomes: tuple[Outcome, ...]


class ReportPart(Command, frozen=True, kw_only=True):
    """Keep what became of some messages, in one append. `start`: index of the first."""

    campaign: UUID
    outcomes: tuple[Outcome, ...]
    start: int


@handles(ReportMessage)
def report_message(command: ReportMessage, crm: Work) -> None:
    outcome = command.outcome
    recipient = crm.get(Recipient, crm.ids.assignment(command.campaign, outcome.recipient))
    recipient.report(outcome.recipient, event_of(command.campaign, outcome))
    crm.keep(recipient, occurred_at=_when(outcome))


@handles(ReportPart)
def report_part(command: ReportPart, crm: Work) -> dict[str, Any]:
    streams = [crm.ids.assignment(command.campaign, o.recipient) for o in command.outcomes]
    recipients = crm.get_many(Recipient, streams)
    refused = []
    for index, (stream, outcome) in enumerate(
        zip(streams, command.outcomes, strict=True), command.start
    ):
        recipient = recipients[stream]
        try:
            recipient.report(outcome.recipient, event_of(command.campaign, outcome))
            crm.keep(recipient, occurred_at=_when(outcome))
        except Refused as refusal:
            refused.append(
                {"index": index, "refusal": type(refusal).__name__, "reason": str(refusal)}
            )
    return {"refused": refused}


@handles_in_parts(ReportMessages)
def report_messages(command: ReportMessages, each: Each) -> Mapping[str, Any]:
    outcomes = command.outcomes
    if len(outcomes) > MOST_OUTCOMES:
        why = f"are {len(outcomes)}, {MOST_OUTCOMES} are allowed at once"
        raise Malformed(field="outcomes", why=why)
    recorded = 0
    refused: list[dict[str, Any]] = []
    for start in range(0, len(outcomes), PART):
        receipt, answer = each(
            ReportPart(
                campaign=command.campaign,
                outcomes=outcomes[start : start + PART],
                start=start,
                occurred_at=command.occurred_at,
            )
        )
        recorded += receipt.recorded
        refused += answer["refused"]
    known = len(outcomes) - recorded - len(refused)
    return {"recorded": recorded, "known": known, "refused": refused}


def event_of(campaign: UUID, outcome: Outcome) -> OnItsWay:  # noqa: PLR0911  # one for each kind
    """Return the fact that an outcome would be. Raises Malformed where it lacks something."""
    match outcome.happened:
        case Happened.SENT:
            if outcome.channel is None:
                raise Malformed(field="channel", why="is missing: how was it sent?")
            return MessageSent(campaign=campaign, channel=outcome.channel)
        case Happened.DELIVERED:
            return MessageDelivered(campaign=campaign)
        case Happened.OPENED:
            return MessageOpened(campaign=campaign, evidence=outcome.evidence)
        case Happened.CLICKED:
            link = text("link", outcome.link or "", longest=LONGEST_LINK)
            return MessageClicked(campaign=campaign, link=link, evidence=outcome.evidence)
        case Happened.BOUNCED:
            reason = text_or_none("reason", outcome.reason)
            return MessageBounced(campaign=campaign, permanent=outcome.permanent, reason=reason)
        case Happened.FAILED:
            return MessageFailed(campaign=campaign, reason=text("reason", outcome.reason or ""))
        case Happened.COMPLAINED:
            return MessageComplained(campaign=campaign)


def _when(outcome: Outcome) -> datetime | None:
    return None if outcome.occurred_at is None else utc("occurred_at", outcome.occurred_at)
