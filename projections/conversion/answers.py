"""What is answered about campaigns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from projections.conversion.statistics import Incremental, Interval

ONE_LOOK: Final = (
    "Intervals are at 95 % and meant for one look, "
    "when every recipient has been watched to the end."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A campaign as it was drafted and launched by the instant asked about."""

    campaign: UUID
    code: str | None
    name: str | None
    channel: str | None
    status: str
    simulated: bool
    goal_product: str | None
    goal_category: str | None
    control_share: Decimal | None
    seed: int | None
    window_days: int


@dataclass(frozen=True, slots=True)
class Day:
    """The curve at the end of a day of the window.

    `converted`, `share`, `interval`: over the mature recipients. `estimate`: Kaplan-Meier over all.
    """

    day: int
    converted: int
    share: float | None
    interval: Interval | None
    estimate: float | None


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many recipients came to each step, in whatever order; all of them, mature or not."""

    sent: int = 0
    delivered: int = 0
    opened: int = 0
    clicked_by_person: int = 0
    clicked_by_scanner: int = 0
    bounced: int = 0
    failed: int = 0
    complained: int = 0
    redeemed: int = 0
    converted: int = 0


@dataclass(frozen=True, slots=True)
class Revenue:
    """What was purchased in the windows: paid less refunded, in the answer's currency.

    `kept`: orders neither cancelled nor wholly refunded. `per_recipient`: over the mature ones.
    """

    orders: int
    kept: int
    net: Decimal
    mature_net: Decimal
    per_recipient: Decimal | None
    other_currencies: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class ArmOutcome:
    """What became of one arm. `mature`: recipients watched to the end of their window."""

    arm: str
    recipients: int
    mature: int
    curve: Sequence[Day]
    funnel: Funnel
    revenue: Revenue


@dataclass(frozen=True, slots=True)
class Uplift:
    """Rate treated less rate control over the whole window, with Newcombe's interval."""

    difference: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class LastTouch:
    """Purchases whose latest message within seven days before was this campaign's."""

    orders: int
    net: Decimal
    other_currencies: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a campaign brought by an instant. `why_no_uplift` says why none is shown."""

    campaign: Asked
    at: datetime
    currency: str | None
    arms: Sequence[ArmOutcome]
    uplift: Uplift | None
    incremental: Incremental | None
    why_no_uplift: str | None
    last_touch: LastTouch
    both_arms: int
    note: str = ONE_LOOK


@dataclass(frozen=True, slots=True)
class Summary:
    """A campaign in a list of campaigns. `converted`: treated and mature, within 1, 2 … days."""

    campaign: Asked
    recipients: int
    treated: int
    control: int
    mature: int
    converted: Sequence[int]
    treated_rate: float | None
    control_rate: float | None
    uplift: Uplift | None
    why_no_uplift: str | None
    currency: str | None
    net: Decimal
    other_currencies: Mapping[str, Decimal]
