"""What can be asked of a campaign and of its recipients."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from commands.work import Command, Each, Work, handles, handles_in_parts, utc
from domain.campaign.aggregate import LARGEST_SEED, Campaign
from domain.campaign.events import Arm, Goal
from domain.shared.aggregate import Decided
from domain.shared.channel import Channel
from domain.shared.log import Who
from domain.shared.refusals import Malformed

MOST_RECIPIENTS: Final = 100_000
PART: Final = 1_000
FARTHEST_AHEAD: Final = timedelta(days=3_660)
"""Nobody plans a sending further ahead than ten years; what is, is a mistake."""


class DraftCampaign(Command, frozen=True, kw_only=True):
    """Write a campaign down. `simulated`: its recipients are made up."""

    code: str
    name: str
    channel: Channel
    goal: Goal = Goal()
    description: str | None = None
    simulated: bool = False


class LaunchCampaign(Command, frozen=True, kw_only=True):
    """Begin a campaign; its control share and seed are fixed now. Without a seed it gets one."""

    campaign: UUID
    control_share: Decimal
    seed: int | None = None


class EndCampaign(Command, frozen=True, kw_only=True):
    """Assign nobody to a campaign any more."""

    campaign: UUID


class AssignRecipients(Command, frozen=True, kw_only=True):
    """Draw up to 100,000 customers into the arms of a campaign; who is assigned stays so.

    Answers {assigned, already, treated, control, forgotten}: new ones and earlier ones, the arms of
    both, and how many were forgotten, who are left out. Asked again after it was cut short, it does
    the rest.
    """

    campaign: UUID
    recipients: tuple[UUID, ...]
    anchor: datetime


class AssignPart(Command, frozen=True, kw_only=True):
    """Draw some customers into the arms of a campaign, in one append."""

    campaign: UUID
    recipients: tuple[UUID, ...]
    anchor: datetime


@handles(DraftCampaign)
def draft_campaign(command: DraftCampaign, crm: Work) -> None:
    code = command.code.strip()
    campaign = crm.get(Campaign, crm.ids.campaign(crm.shop, code), likely_new=True)
    campaign.draft(
        code,
        command.name,
        command.channel,
        goal=command.goal,
        description=command.description,
        simulated=command.simulated,
    )
    crm.keep(campaign)


@handles(LaunchCampaign)
def launch_campaign(command: LaunchCampaign, crm: Work) -> dict[str, int]:
    campaign = crm.get(Campaign, command.campaign)
    seed = command.campaign.int & LARGEST_SEED if command.seed is None else command.seed
    campaign.launch(command.control_share, seed)
    crm.keep(campaign)
    return {"seed": seed}


@handles(EndCampaign)
def end_campaign(command: EndCampaign, crm: Work) -> None:
    campaign = crm.get(Campaign, command.campaign)
    campaign.end()
    crm.keep(campaign)


@handles(AssignPart)
def assign_part(command: AssignPart, crm: Work) -> dict[str, int]:
    campaign = crm.get(Campaign, command.campaign)
    if command.anchor > crm.now + FARTHEST_AHEAD:
        raise Malformed(field="anchor", why="is more than ten years ahead")
    treated = 0
    forgotten = crm.forgotten(command.recipients)
    for recipient in command.recipients:
        if recipient in forgotten:
            continue
        assignment = campaign.assignment(recipient, command.anchor)
        treated += assignment.arm is Arm.TREATED
        crm.decided.append(
            Decided(
                crm.ids.assignment(campaign.id, recipient),
                1,
                assignment,
                occurred_at=crm.now,
                who=Who(user=recipient),
                first=True,  # who is assigned already stays so
            )
        )
    return {"treated": treated, "forgotten": len(forgotten)}


@handles_in_parts(AssignRecipients)
def assign_recipients(command: AssignRecipients, each: Each) -> Mapping[str, Any]:
    if len(command.recipients) > MOST_RECIPIENTS:
        why = f"are {len(command.recipients)}, {MOST_RECIPIENTS} are allowed at once"
        raise Malformed(field="recipients", why=why)
    anchor = utc("anchor", command.anchor)
    recipients = tuple(dict.fromkeys(command.recipients))
    assigned = treated = forgotten = 0
    for start in range(0, len(recipients), PART):
        receipt, answer = each(
            AssignPart(
                campaign=command.campaign,
                recipients=recipients[start : start + PART],
                anchor=anchor,
                occurred_at=command.occurred_at,
            )
        )
        assigned += receipt.recorded
        treated += answer["treated"]
        forgotten += answer["forgotten"]
    return {
        "assigned": assigned,
        "already": len(command.recipients) - assigned - forgotten,
        "treated": treated,
        "control": len(recipients) - treated - forgotten,
        "forgotten": forgotten,
    }
