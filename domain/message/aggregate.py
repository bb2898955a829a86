"""A recipient of a campaign: drawn into an arm once, then told of or left in peace."""

from uuid import UUID

from domain.campaign.events import Arm, RecipientAssigned
from domain.message.events import (
    MessageBounced,
    MessageClicked,
    MessageComplained,
    MessageDelivered,
    MessageFailed,
    MessageOpened,
    MessageSent,
)
from domain.shared.aggregate import Root
from domain.shared.events import Event
from domain.shared.refusals import Refused

OnItsWay = (
    MessageSent
    | MessageDelivered
    | MessageOpened
    | MessageClicked
    | MessageBounced
    | MessageFailed
    | MessageComplained
)
"""What may be said of a message; its parts come in whatever order senders report them."""


class NotAssigned(Refused):
    """{recipient} was never assigned to campaign {campaign}; assign first, then send."""


class HeldOut(Refused):
    """{recipient} is in the control group of campaign {campaign}, which is sent nothing."""


class Recipient(Root):
    """One customer as a recipient of one campaign."""

    facts = ("message", "campaign.recipient-assigned")

    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.arm: Arm | None = None
        self.reported: set[Event] = set()

    def assign(self, assignment: RecipientAssigned) -> None:
        """Enter an arm. The first assignment holds."""
        if self.arm is None:
            self.record(assignment)

    def report(self, recipient: UUID, happened: OnItsWay) -> None:
        """Say what became of the message. A click or an open with the same evidence is the same."""
        if self.arm is None:
            raise NotAssigned(recipient=recipient, campaign=happened.campaign)
        if self.arm is Arm.CONTROL:
            raise HeldOut(recipient=recipient, campaign=happened.campaign)
        if happened not in self.reported:
            self.record(happened)

    def evolve(self, event: Event) -> None:
        match event:
            case RecipientAssigned(arm=arm):
                self.arm = arm
            case _:
                self.reported.add(event)
