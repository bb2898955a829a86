"""What happened to a customer, as far as its own row keeps it, wherever it stands by that."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from msgspec.structs import replace

from projections.lifecycle.stages import Policy
from projections.lifecycle.tables import Lifecycle
from projections.orders import ZERO

Nets = Mapping[str, Decimal]

_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)


class Step(NamedTuple):
    """What may move a customer. Of what happened at one instant, the higher position came later."""

    at: datetime
    position: int
    known: bool = False
    active: bool = False
    purchased: bool = False
    nets: Nets | None = None
    policy: Policy | None = None


def lived(row: Lifecycle, steps: Iterable[Step], policy: Policy) -> Lifecycle:
    """Return the row after what happened in these steps, in order, as one policy counts it."""
    known_at, known_position = row.known_at, row.known_position
    first_bought, last_bought, bought = row.first_purchase_at, row.last_purchase_at, row.purchases
    last, day_first, day_position = row.last_activity_at, row.day_first_at, row.day_first_position
    silence, silences, won_back = row.silence, row.silences, row.won_back_at
    nets, at = row.nets, row.last_fact_at
    for step in steps:
        at = step.at
        if step.known:
            known_at, known_position = at, step.position
        if step.active:
            silence = longer(silence, last, at)
            if last is None or last.date() != at.date():
                day_first, day_position = at, step.position
            last = at
        if step.purchased:
            if first_bought is None:
                first_bought = at
            elif silence:
                silences = (*(s for s in silences if s[1] > silence), (at, silence))
                if silence > policy.silence:
                    won_back = at
            silence = 0
            last_bought = at
            bought += 1
        if step.nets:
            nets = _sum(nets, step.nets)
    return replace(
        row,
        known_at=known_at,
        known_position=known_position,
        first_purchase_at=first_bought,
        last_purchase_at=last_bought,
        purchases=bought,
        last_activity_at=last,
        day_first_at=day_first,
        day_first_position=day_position,
        silence=silence,
        silences=silences,
        won_back_at=won_back,
        nets=nets,
        net=nets.get(policy.currency, ZERO),
        last_fact_at=at,
    )


def looked_around(row: Lifecycle, step: Step) -> Lifecycle:
    """Return the row after activity and nothing else: what `lived` comes to, in less time."""
    at, last = step.at, row.last_activity_at
    silence = longer(row.silence, last, at)
    if last is not None and last.date() == at.date():
        return replace(row, last_activity_at=at, last_fact_at=at, silence=silence)
    return replace(
        row,
        day_first_at=at,
        day_first_position=step.position,
        last_activity_at=at,
        last_fact_at=at,
        silence=silence,
    )


def under(row: Lifecycle, policy: Policy) -> Lifecycle:
    """Return the row with what another policy makes of the same life; itself, if nothing else."""
    won_back = next(
        (at for at, silence in reversed(row.silences) if silence > policy.silence), None
    )
    net = row.nets.get(policy.currency, ZERO)
    if won_back == row.won_back_at and net == row.net:
        return row
    return replace(row, won_back_at=won_back, net=net)


def longer(silence: int, last: datetime | None, at: datetime) -> int:
    """Return the longest silence by now; a day at most makes nobody silent, and is none."""
    if last is None or at - last <= _DAY:
        return silence
    return max(silence, (at - last) // _MICROSECOND)


def _sum(nets: Nets, changes: Nets) -> dict[str, Decimal]:
    summed = dict(nets)
    for currency, change in changes.items():
        summed[currency] = summed.get(currency, ZERO) + change
        if not summed[currency]:
            del summed[currency]
    return summed
