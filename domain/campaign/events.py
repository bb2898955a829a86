"""What happens to campaigns. Each recipient of a campaign has a stream of its own."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from domain.shared.channel import Channel
from domain.shared.events import Event, Value, fact


class Arm(StrEnum):
    """Whether a recipient is sent the campaign, or held out to compare with."""

    TREATED = "treated"
    CONTROL = "control"


class Goal(Value, frozen=True, kw_only=True):
    """What counts as converted: any purchase, or one that holds this product or category."""

    product: str | None = None
    category: str | None = None


@fact("campaign.drafted")
class CampaignDrafted(Event, frozen=True, kw_only=True):
    """A marketer had an idea. `simulated`: its recipients are made up; said wherever it shows."""

    code: str
    name: str
    channel: Channel
    goal: Goal = Goal()
    description: str | None = None
    simulated: bool = False


@fact("campaign.launched")
class CampaignLaunched(Event, frozen=True, kw_only=True, omit_defaults=False):
    """It began. Share of the control group (0 to below 1) and seed of the draw are fixed now."""

    control_share: Decimal
    seed: int
    window_days: int = 7


@fact("campaign.ended")
class CampaignEnded(Event, frozen=True, kw_only=True):
    """Nobody is assigned to it any more."""


@fact("campaign.recipient-assigned")
class RecipientAssigned(Event, frozen=True, kw_only=True, omit_defaults=False):
    """A customer was drawn into an arm; time counts from the anchor, the scheduled send instant."""

    campaign: UUID
    arm: Arm
    anchor: datetime
    window_days: int = 7
    goal: Goal = Goal()
    seed: int
