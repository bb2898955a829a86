"""Commands about the lifecycle policy."""

from decimal import Decimal

from fastapi import APIRouter, Response
from pydantic import Field

from api.commands.deps import LARGEST_BODY, TOLD, Amount, Body, Text, TheDesk, receipt_of
from commands.lifecycle import AdoptPolicy

router = APIRouter(
    prefix="/api/lifecycle", tags=["lifecycle"], responses=TOLD, max_body_size=LARGEST_BODY
)


class Policy(Body):
    """The numbers that tell stages and tiers. What is left out has its default."""

    new_days: int = 30
    silent_after_days: int = 90
    lost_after_days: int = 180
    won_back_days: int = 30
    high_value: Amount = Decimal(2000)
    general_value: Amount = Decimal(300)
    currency: Text | None = Field(None, description="The key's, if left out.")


@router.put("/policy", status_code=202, summary="Adopt a policy", responses=receipt_of(202))
def adopt(body: Policy, desk: TheDesk) -> Response:
    """Let stages and tiers be told by these numbers from now on; the past is not rewritten."""
    return desk.takes(
        AdoptPolicy(
            new_days=body.new_days,
            silent_after_days=body.silent_after_days,
            lost_after_days=body.lost_after_days,
            won_back_days=body.won_back_days,
            high_value=body.high_value,
            general_value=body.general_value,
            currency=body.currency or desk.currency,
        )
    )
