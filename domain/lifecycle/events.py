"""What happens to the policy by which customers' stages and tiers are told."""

from decimal import Decimal

from domain.shared.events import Event, fact


@fact("lifecycle.policy-adopted")
class LifecyclePolicyAdopted(Event, frozen=True, kw_only=True, omit_defaults=False):
    """From this instant until the next policy, stages and tiers are told by these numbers.

    All of them are written down: what was adopted does not move when a default does.
    """

    new_days: int = 30
    silent_after_days: int = 90
    lost_after_days: int = 180
    won_back_days: int = 30
    high_value: Decimal = Decimal(2000)
    general_value: Decimal = Decimal(300)
    currency: str = "USD"
