"""The policy by which a shop tells its customers' stages and tiers."""

from uuid import UUID

import msgspec

from domain.lifecycle.events import LifecyclePolicyAdopted
from domain.shared.aggregate import Root
from domain.shared.events import Event
from domain.shared.money import LARGEST, currency
from domain.shared.refusals import Malformed

LONGEST_DAYS = 36_500


class LifecyclePolicy(Root):
    """The numbers that hold until others are adopted."""

    facts = ("lifecycle",)

    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.adopted: LifecyclePolicyAdopted | None = None

    def whose(self) -> None:
        """Nobody's."""

    def adopt(self, asked: LifecyclePolicyAdopted) -> None:
        """Let these numbers hold from now on. Raises Malformed where they contradict each other."""
        asked = _checked(asked)
        if asked != self.adopted:
            self.record(asked)

    def evolve(self, event: Event) -> None:
        match event:
            case LifecyclePolicyAdopted():
                self.adopted = event


def _checked(asked: LifecyclePolicyAdopted) -> LifecyclePolicyAdopted:
    for field in ("new_days", "won_back_days", "silent_after_days", "lost_after_days"):
        days = getattr(asked, field)
        if not 1 <= days <= LONGEST_DAYS:
            raise Malformed(field=field, why=f"is {days}, not 1 to {LONGEST_DAYS} days")
    if asked.silent_after_days >= asked.lost_after_days:
        why = f"is {asked.lost_after_days}, not above silent_after_days {asked.silent_after_days}"
        raise Malformed(field="lost_after_days", why=why)
    for field in ("high_value", "general_value"):
        value = getattr(asked, field)
        if not (value.is_finite() and 0 < value <= LARGEST):
            raise Malformed(field=field, why=f"is {value}, not above 0 and up to {LARGEST}")
    if asked.general_value >= asked.high_value:
        why = f"is {asked.high_value}, not above general_value {asked.general_value}"
        raise Malformed(field="high_value", why=why)
    return msgspec.structs.replace(asked, currency=currency(asked.currency))
