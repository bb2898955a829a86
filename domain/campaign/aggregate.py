"""A campaign: an idea, a fixed draw, and an end."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from domain.campaign.draw import draw
from domain.campaign.events import (
    CampaignDrafted,
    CampaignEnded,
    CampaignLaunched,
    Goal,
    RecipientAssigned,
)
from domain.shared.aggregate import Root
from domain.shared.channel import Channel
from domain.shared.events import Event
from domain.shared.refusals import Malformed, NotFound, Refused
from domain.shared.text import LONGEST_PROSE, text, text_or_none

WINDOW_DAYS: Final = 7
"""Conversion is asked about seven days; another window is another report, not an edit."""

LARGEST_SEED: Final = 2**53 - 1
"""What a JSON number holds exactly everywhere."""


class DraftedOtherwise(Refused):
    """Campaign {code} was drafted already, with another content."""


class LaunchedOtherwise(Refused):
    """Campaign {code} was launched with control share {control_share} and seed {seed}, for good."""


class NotLaunched(Refused):
    """Campaign {code} was not launched yet."""


class Ended(Refused):
    """Campaign {code} has ended."""


class Campaign(Root):
    """Something said to many, on one channel, with one goal."""

    facts = ("campaign",)

    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.drafted: CampaignDrafted | None = None
        self.launched: CampaignLaunched | None = None
        self.ended = False

    def whose(self) -> None:
        """Nobody's."""

    def draft(  # noqa: PLR0913  # what a draft says
        self,
        code: str,
        name: str,
        channel: Channel,
        *,
        goal: Goal,
        description: str | None,
        simulated: bool,
    ) -> None:
        asked = CampaignDrafted(
            code=text("code", code),
            name=text("name", name),
            channel=channel,
            goal=Goal(
                product=text_or_none("goal.product", goal.product),
                category=text_or_none("goal.category", goal.category),
            ),
            description=text_or_none("description", description, longest=LONGEST_PROSE),
            simulated=simulated,
        )
        if self.drafted is None:
            self.record(asked)
        elif asked != self.drafted:
            raise DraftedOtherwise(code=self.drafted.code)

    def launch(self, control_share: Decimal, seed: int) -> None:
        """Fix the draw: the share of the control group (0 to below 1) and the seed."""
        drafted = self._drafted()
        if not (control_share.is_finite() and 0 <= control_share < 1):
            raise Malformed(field="control_share", why=f"is {control_share}, not 0 to below 1")
        if not 0 <= seed <= LARGEST_SEED:
            raise Malformed(field="seed", why=f"is {seed}, not 0 to {LARGEST_SEED}")
        share = control_share.copy_abs()  # there is a -0
        asked = CampaignLaunched(control_share=share, seed=seed, window_days=WINDOW_DAYS)
        if self.launched is None:
            self.record(asked)
        elif asked != self.launched:
            raise LaunchedOtherwise(
                code=drafted.code,
                control_share=self.launched.control_share,
                seed=self.launched.seed,
            )

    def end(self) -> None:
        self._launched()
        if not self.ended:
            self.record(CampaignEnded())

    def assignment(self, recipient: UUID, anchor: datetime) -> RecipientAssigned:
        """Return what is to be recorded of a recipient, who is in no arm yet."""
        launched = self._launched()
        drafted = self._drafted()
        if self.ended:
            raise Ended(code=drafted.code)
        return RecipientAssigned(
            campaign=self.id,
            arm=draw(launched.seed, recipient, launched.control_share),
            anchor=anchor,
            window_days=launched.window_days,
            goal=drafted.goal,
            seed=launched.seed,
        )

    def evolve(self, event: Event) -> None:
        match event:
            case CampaignDrafted():
                self.drafted = event
            case CampaignLaunched():
                self.launched = event
            case CampaignEnded():
                self.ended = True

    def _drafted(self) -> CampaignDrafted:
        if self.drafted is None:
            raise NotFound(what="campaign", id=self.id)
        return self.drafted

    def _launched(self) -> CampaignLaunched:
        drafted = self._drafted()
        if self.launched is None:
            raise NotLaunched(code=drafted.code)
        return self.launched
