"""Commands about campaigns: drafting, drawing recipients, and what their senders report."""

from typing import Self
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, model_validator

from api.commands.deps import (
    LARGEST_BODY,
    LARGEST_BULK,
    TOLD,
    Amount,
    Body,
    Text,
    TheDesk,
    UserId,
    receipt_of,
)
from api.parameters import CampaignId, Instant
from commands.campaign import (
    MOST_RECIPIENTS,
    AssignRecipients,
    DraftCampaign,
    EndCampaign,
    LaunchCampaign,
)
from commands.message import MOST_OUTCOMES, Happened, Outcome, ReportMessages
from domain.campaign import events
from domain.message.events import AddressClass, Evidence
from domain.shared.channel import Channel

router = APIRouter(
    prefix="/api/campaigns", tags=["campaigns"], responses=TOLD, max_body_size=LARGEST_BODY
)


class Goal(Body):
    """What counts as converted: any purchase, or one that holds this product or category."""

    product: Text | None = None
    category: Text | None = Field(None, examples=["tea"])


class DraftBody(Body):
    """An idea, by the shop's own code."""

    code: Text = Field(min_length=1, max_length=200, examples=["spring-2026"])
    name: Text = Field(examples=["Spring teas"])
    channel: Channel
    goal: Goal = Goal()
    description: Text | None = None
    simulated: bool = Field(default=False, description="Its recipients are made up.")


class Launch(Body):
    """How many are held out to compare with, and the seed of the draw."""

    control_share: Amount = Field(examples=["0.1"])
    seed: int | None = None


class Recipients(Body):
    """Customers, by their UUID or by the shop's own ids; and the instant of sending."""

    recipients: list[UUID] = Field([], max_length=MOST_RECIPIENTS)
    users: list[UserId] = Field([], max_length=MOST_RECIPIENTS, examples=[["42", "43"]])
    anchor: Instant = Field(examples=["2026-03-01T09:00:00Z"])


class EvidenceBody(Body):
    """What is known of an open or a click, from which it is judged whether a person did it."""

    agent: Text | None = None
    delay_ms: int | None = Field(None, ge=-(2**53), le=2**53)
    address_class: AddressClass = AddressClass.UNKNOWN
    honeypot: bool = False


class OutcomeBody(Body):
    """What became of one recipient's message."""

    recipient: UUID | None = None
    user: UserId | None = Field(None, description="The shop's own id, instead of `recipient`.")
    happened: Happened
    occurred_at: Instant | None = None
    channel: Channel | None = Field(None, description="Needed for `sent`.")
    link: Text | None = Field(None, description="Needed for `clicked`.")
    evidence: EvidenceBody = EvidenceBody()
    permanent: bool = Field(default=False, description="Of a bounce: there is no such address.")
    reason: Text | None = Field(None, description="Needed for `failed`.")

    @model_validator(mode="after")
    def _one_recipient(self) -> Self:
        if (self.recipient is None) == (self.user is None):
            raise ValueError("give either recipient or user")
        return self


class Messages(Body):
    """What became of many messages."""

    outcomes: list[OutcomeBody] = Field(max_length=MOST_OUTCOMES)


@router.post("", status_code=201, summary="Draft a campaign", responses=receipt_of(201))
def draft(body: DraftBody, desk: TheDesk) -> Response:
    """Write a campaign down."""
    return desk.creates(
        DraftCampaign(
            code=body.code,
            name=body.name,
            channel=body.channel,
            goal=events.Goal(**body.goal.model_dump()),
            description=body.description,
            simulated=body.simulated,
        ),
        "/api/campaigns",
    )


@router.post(
    "/{id}/launch", status_code=202, summary="Launch", responses=receipt_of(202, seed=8150)
)
def launch(id: CampaignId, body: Launch, desk: TheDesk) -> Response:
    """Begin a campaign. The control share and the seed of the draw are fixed for good."""
    return desk.takes(LaunchCampaign(campaign=id, control_share=body.control_share, seed=body.seed))


@router.post("/{id}/end", status_code=202, summary="End", responses=receipt_of(202))
def end(id: CampaignId, desk: TheDesk) -> Response:
    """Assign nobody to it any more."""
    return desk.takes(EndCampaign(campaign=id))


@router.post(
    "/{id}/recipients",
    status_code=202,
    summary="Draw recipients into its arms",
    max_body_size=LARGEST_BULK,
    responses=receipt_of(202, assigned=1800, already=195, treated=1792, control=203, forgotten=5),
)
def assign(id: CampaignId, body: Recipients, desk: TheDesk) -> Response:
    """Draw up to 100,000 customers; who is assigned stays so, who was forgotten is left out.

    Recorded a thousand at a time. Cut short, ask again with the same list: it does the rest.
    """
    ids, shop = desk.ids, desk.shop
    users = (ids.user(shop, user) for user in body.users)
    return desk.takes(
        AssignRecipients(campaign=id, recipients=(*body.recipients, *users), anchor=body.anchor)
    )


@router.post(
    "/{id}/messages",
    status_code=202,
    summary="Report what became of messages",
    max_body_size=LARGEST_BULK,
    responses=receipt_of(
        202,
        recorded=998,
        known=1,
        refused=[{"index": 7, "refusal": "NotAssigned", "reason": "..."}],
    ),
)
def report(id: CampaignId, body: Messages, desk: TheDesk) -> Response:
    """Keep what a sender says of up to 10,000 messages; what is refused is refused alone."""
    ids, shop = desk.ids, desk.shop
    return desk.takes(
        ReportMessages(
            campaign=id,
            outcomes=tuple(
                Outcome(
                    recipient=o.recipient or ids.user(shop, o.user or ""),
                    happened=o.happened,
                    occurred_at=o.occurred_at,
                    channel=o.channel,
                    link=o.link,
                    evidence=Evidence(**o.evidence.model_dump()),
                    permanent=o.permanent,
                    reason=o.reason,
                )
                for o in body.outcomes
            ),
        )
    )
