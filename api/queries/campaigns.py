"""Questions about campaigns: what each brought, and its curve."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from starlette.concurrency import run_in_threadpool

from api.jobs import JOB
from api.parameters import KNOWN_ALONE, CampaignId, Instant
from api.queries.deps import (
    ASKED,
    Moment,
    TheMoment,
    TheViews,
    Views,
    answers,
    found,
    in_one_snapshot,
)
from projections.conversion import queries
from projections.conversion.projection import conversion as view
from projections.conversion.tables import CAMPAIGN

router = APIRouter(
    prefix="/api/campaigns", tags=["campaigns"], responses=ASKED, dependencies=[KNOWN_ALONE]
)
SUMMARY: Final = {
    "campaign": {"campaign": "5c0a...", "code": "spring", "name": "Spring teas", "seed": 7},
    "recipients": 2000,
    "treated": 1800,
    "control": 200,
    "mature": 2000,
    "converted": [120, 180, 214, 240, 255, 268, 281],
    "treated_rate": 0.1561,
    "control_rate": 0.11,
    "uplift": {"difference": 0.0461, "interval": {"low": -0.0052, "high": 0.0842}},
    "why_no_uplift": None,
    "currency": "USD",
    "net": "11940.50",
}


class Campaigns:
    """The campaigns as one request may see them."""

    def __init__(self, views: Views) -> None:
        self._views = views

    async def all(self, at: datetime | None) -> Response:
        """Answer every campaign drafted by an instant."""
        asked_at = at or self._views.now
        return await self._views.answer(
            "conversion",
            in_one_snapshot(lambda c: {"campaigns": queries.campaigns(c, asked_at)}),
        )

    async def conversion(self, campaign: UUID, moment: Moment) -> Response:
        """Answer what a campaign brought by an instant, or queue a job about an old position.

        Raises NotFound, before there is a job, for a campaign that nobody had drafted by then.
        """
        asked_at = moment.at or self._views.now
        if moment.known_at is None:
            return await self._views.answer(
                "conversion",
                in_one_snapshot(
                    lambda c: found("campaign", campaign, queries.conversion(c, campaign, asked_at))
                ),
            )
        then, _ = await run_in_threadpool(self._views.replayed, view, campaign, moment)
        found("campaign", campaign, then.get(CAMPAIGN))
        return await self._views.everybody("conversion", moment, {"campaign": campaign})


async def campaigns(views: TheViews) -> Campaigns:
    return Campaigns(views)


TheCampaigns = Annotated[Campaigns, Depends(campaigns)]


@router.get(
    "", summary="All campaigns, and what each brought", responses=answers({"campaigns": [SUMMARY]})
)
async def every(
    campaigns: TheCampaigns,
    at: Annotated[Instant | None, Query(description="By this instant.")] = None,
) -> Response:
    """Give each campaign, the latest first: recipients, converted within 1 … 7 days, uplift."""
    return await campaigns.all(at)


@router.get(
    "/{id}/conversion",
    summary="A campaign's curve",
    responses={**answers(SUMMARY), **JOB, 404: {"description": "There is no such campaign."}},
)
async def conversion(id: CampaignId, campaigns: TheCampaigns, moment: TheMoment) -> Response:
    """Give funnel, curve, revenue and uplift with its interval, by arm; now or as of an instant.

    With `known_at` it is about everybody at an old position: a job, and 202.
    """
    return await campaigns.conversion(id, moment)
