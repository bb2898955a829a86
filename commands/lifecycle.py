"""What can be asked of the lifecycle policy."""

from decimal import Decimal

from commands.work import Command, Work, handles
from domain.lifecycle.aggregate import LifecyclePolicy
from domain.lifecycle.events import LifecyclePolicyAdopted


class AdoptPolicy(Command, frozen=True, kw_only=True):
    """Let stages and tiers be told by these numbers from now on."""

    new_days: int = 30
    silent_after_days: int = 90
    lost_after_days: int = 180
    won_back_days: int = 30
    high_value: Decimal = Decimal(2000)
    general_value: Decimal = Decimal(300)
    currency: str = "USD"


@handles(AdoptPolicy)
def adopt_policy(command: AdoptPolicy, crm: Work) -> None:
    policy = crm.get(LifecyclePolicy, crm.ids.policy(crm.shop))
    policy.adopt(
        LifecyclePolicyAdopted(
            new_days=command.new_days,
            silent_after_days=command.silent_after_days,
            lost_after_days=command.lost_after_days,
            won_back_days=command.won_back_days,
            high_value=command.high_value,
            general_value=command.general_value,
            currency=command.currency,
        )
    )
    crm.keep(policy)
