"""A customer's walk through stages and tiers, step by step."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from projections.lifecycle.stages import (
    EVER,
    Policy,
    Stage,
    Tier,
    last_of,
    next_turn,
    stage_of,
    tier_of,
)
from projections.lifecycle.tables import Lifecycle, LifecycleMove
from projections.orders import ZERO
from projections.rows import Key

STAGE: Final = "stage"
TIER: Final = "tier"

LATE: Final = EVER
"""Stands in `next_move_at`, from fold to settle, where a walk has to be told anew."""

_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)

Nets = Mapping[str, Decimal]
Place = Stage | Tier


class Step(NamedTuple):
    """What may move a customer. Of what happened at one instant, the higher position came later."""

    at: datetime
    position: int
    known: bool = False
    active: bool = False
    purchased: bool = False
    nets: Nets | None = None
    policy: Policy | None = None


class Lost(Exception):
    """A step takes back a move, and the one before it is not at hand: tell the customer anew."""


class Walk:
    """One customer on its way: where it stands, and the moves that it made here."""

    def __init__(self, row: Lifecycle, policy: Policy, *, whole: bool = False) -> None:
        """`policy`: in force. `whole`: from its beginning, so that all its moves are at hand."""
        self.row = row
        self.moves: dict[Key, LifecycleMove] = {}
        self._policy = policy
        self._newest = max(row.policy, policy.position)
        self._whole = whole

    def step(self, step: Step) -> None:
        """Take a step, and before it the moves of time alone. Raises Lost, unless whole."""
        while (turn := self.row.next_move_at) is not None and turn < step.at:
            self._turn(turn)
        row, prior = self.row, self.row.stage
        if turn == step.at:
            prior = stage_of(row, self._policy, step.at)
        tier = row.tier
        if step.policy is None:
            row = replace(row, **self._changes(step))
        else:
            self._newest, self._policy = max(self._newest, step.position), step.policy
            row = under(row, step.policy)
        stage = stage_of(row, self._policy, step.at)
        turn = next_turn(row, self._policy, stage)
        if stage is not prior or prior is not row.stage:
            row = self._with_stage(row, step, prior, stage)
        if step.nets is not None or step.policy is not None:
            row = self._with_tier(row, step, tier, tier_of(row.net, self._policy))
        if row is not self.row or turn != row.next_move_at:
            self.row = _told(row, turn, self._newest)

    def wait(self, clock: datetime) -> None:
        """Make the moves of time alone up to an instant."""
        while (turn := self.row.next_move_at) is not None and turn <= clock:
            self._turn(turn)

    def _turn(self, at: datetime) -> None:
        row, stage = self.row, stage_of(self.row, self._policy, at)
        self._put(STAGE, at, row.stage, stage, None)
        self.row = replace(
            row,
            stage=stage,
            stage_since=at,
            stage_cause=None,
            stage_before=row.stage,
            next_move_at=next_turn(row, self._policy, stage),
            policy=self._newest,
        )

    def _changes(self, step: Step) -> dict[str, Any]:
        row, at = self.row, step.at
        changes: dict[str, Any] = {"last_fact_at": at}
        silence = row.silence
        if step.known:
            changes |= {"known_at": at, "known_position": step.position}
        if step.active:
            last = row.last_activity_at
            silence = _longer(silence, last, at)
            if last is None or last.date() != at.date():
                changes |= {"day_first_at": at, "day_first_position": step.position}
            changes["last_activity_at"] = at
        if step.purchased:
            if row.first_purchase_at is None:
                changes["first_purchase_at"] = at
            elif silence:
                changes["silences"] = (*(s for s in row.silences if s[1] > silence), (at, silence))
                if silence > self._policy.silence:
                    changes["won_back_at"] = at
            silence = 0
            changes |= {"last_purchase_at": at, "purchases": row.purchases + 1}
        if step.nets is not None:
            nets = _sum(row.nets, step.nets)
            changes |= {"nets": nets, "net": nets.get(self._policy.currency, ZERO)}
        changes["silence"] = silence
        return changes

    def _with_stage(
        self, row: Lifecycle, step: Step, prior: Stage | None, stage: Stage
    ) -> Lifecycle:
        amends = row.stage_since == step.at
        before = row.stage_before if amends else row.stage
        cause = row.stage_cause if amends else None
        if stage is not prior:
            cause = step.position
        if stage is before:
            if not amends:
                return row
            last = self._take_back(STAGE, step.at)
            assert last is not None  # nobody comes back to before its first stage
            return replace(
                row,
                stage=stage,
                stage_since=last.at,
                stage_cause=last.cause,
                stage_before=None if last.was is None else Stage(last.was),
            )
        self._put(STAGE, step.at, before, stage, cause)
        return replace(
            row, stage=stage, stage_since=step.at, stage_cause=cause, stage_before=before
        )

    def _with_tier(self, row: Lifecycle, step: Step, prior: Tier, tier: Tier) -> Lifecycle:
        if tier is prior:
            return row
        amends = row.tier_since == step.at
        before = row.tier_before if amends else row.tier
        if tier is before:
            last = self._take_back(TIER, step.at)
            return replace(
                row,
                tier=tier,
                tier_since=last.at if last else row.heard_at,
                tier_cause=last.cause if last else row.heard_position,
                tier_before=Tier(last.was or Tier.NONE) if last else Tier.NONE,
            )
        self._put(TIER, step.at, before, tier, step.position)
        return replace(
            row, tier=tier, tier_since=step.at, tier_cause=step.position, tier_before=before
        )

    def _put(
        self, dimension: str, at: datetime, was: Place | None, became: Place, cause: int | None
    ) -> None:
        self.moves[dimension, at] = LifecycleMove(
            customer=self.row.customer,
            dimension=dimension,
            at=at,
            was=None if was is None else was.value,
            became=became.value,
            cause=cause,
        )

    def _take_back(self, dimension: str, at: datetime) -> LifecycleMove | None:
        """Undo the move at an instant; return the one before."""
        if not self._whole:
            raise Lost
        del self.moves[dimension, at]
        earlier = (m for m in reversed(self.moves.values()) if m.dimension == dimension)
        return next(earlier, None)


LASTING: Final = frozenset({Stage.VISITOR, Stage.PROSPECT, Stage.NEW, Stage.WON_BACK, Stage.ACTIVE})
"""The stages that activity, before time alone ends them, leaves as they are."""


def kept_up(row: Lifecycle, policy: Policy, step: Step) -> Lifecycle:
    """Return the row after activity in a lasting stage: what `Walk.step` comes to, in one change.

    The step is the next one, it comes before the row's next move, and the row `is_told`.
    """
    at, last, turn = step.at, row.last_activity_at, row.next_move_at
    if row.stage is Stage.ACTIVE or row.stage is Stage.PROSPECT:
        turn = at + policy.silent_after
    if last is None or last.date() != at.date():
        row = replace(row, day_first_at=at, day_first_position=step.position)
    return replace(
        row,
        next_move_at=turn,
        last_activity_at=at,
        last_fact_at=at,
        silence=_longer(row.silence, last, at),
    )


def _longer(silence: int, last: datetime | None, at: datetime) -> int:
    """Return the longest silence by now; a day at most makes nobody silent, and is none."""
    if last is None or at - last <= _DAY:
        return silence
    return max(silence, (at - last) // _MICROSECOND)


def is_told(row: Lifecycle) -> bool:
    """Tell whether nothing was moved by time alone since the last step."""
    return (
        row.told_stage is row.stage
        and row.told_since == row.stage_since
        and row.told_cause == row.stage_cause
        and row.told_before is row.stage_before
    )


def _told(row: Lifecycle, turn: datetime | None, policy: int) -> Lifecycle:
    if is_told(row):
        return replace(row, next_move_at=turn, policy=policy)
    return replace(
        row,
        next_move_at=turn,
        told_stage=row.stage,
        told_since=row.stage_since,
        told_cause=row.stage_cause,
        told_before=row.stage_before,
        policy=policy,
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


def going_on(row: Lifecycle, policies: tuple[Policy, ...]) -> Walk | None:
    """Return a walk that goes on from a row, by every policy adopted since it last changed.

    None: the row is late, or a policy came before something else that is told; tell it anew.
    """
    if row.next_move_at == LATE:
        return None
    first = next((n for n, p in enumerate(policies) if p.position > row.policy), len(policies))
    walk = Walk(row, last_of(policies[:first]))
    for number, policy in enumerate(policies[first:]):
        if policy.position <= row.policy or (number == 0 and not is_next(row, policy.at)):
            return None
        try:
            walk.step(Step(policy.at, policy.position, policy=policy))
        except Lost:
            return None
    return walk


def is_next(row: Lifecycle, at: datetime) -> bool:
    """Tell whether nothing that happened to a row, or moved it, is later than an instant."""
    moved_at = max(row.stage_since, row.tier_since)
    return at >= row.last_fact_at and (moved_at < at or moved_at == at == row.last_fact_at)


def rewound(row: Lifecycle, policy: Policy) -> tuple[Lifecycle, list[datetime]]:
    """Return a row as it was at its last fact, and the instants of the moves of time since then.

    `policy`: the one in force. The row is told by the newest policy, and not marked as late.
    """
    assert row.told_stage is not None  # its first step led into one
    back = replace(
        row,
        stage=row.told_stage,
        stage_since=row.told_since,
        stage_cause=row.told_cause,
        stage_before=row.told_before,
        next_move_at=next_turn(row, policy, row.told_stage),
    )
    walk = Walk(back, policy)
    walk.wait(row.stage_since)
    return back, [at for _, at in walk.moves]


def _sum(nets: Nets, changes: Nets) -> dict[str, Decimal]:
    summed = dict(nets)
    for currency, change in changes.items():
        summed[currency] = summed.get(currency, ZERO) + change
        if not summed[currency]:
            del summed[currency]
    return summed
