"""A customer's walk through stages and tiers, step by step."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from projections.lifecycle.lived import Step, lived, looked_around, under
from projections.lifecycle.stages import (
    Policy,
    Stage,
    Tier,
    stage_of,
    stage_until,
    tier_of,
)
from projections.lifecycle.tables import Lifecycle, LifecycleMove
from projections.rows import Key

STAGE: Final = "stage"
TIER: Final = "tier"

LASTING: Final = frozenset({Stage.VISITOR, Stage.PROSPECT, Stage.NEW, Stage.WON_BACK, Stage.ACTIVE})
"""The stages that activity, before time alone ends them, leaves as they are."""

Place = Stage | Tier


class Lost(Exception):
    """A step takes back a move, and the one before it is not at hand: tell the customer anew."""


class Walk:
    """One customer on its way: where it stands, and the moves that are known of it."""

    def __init__(
        self, row: Lifecycle, policy: Policy, before: Iterable[LifecycleMove] | None = None
    ) -> None:
        """`policy`: in force. `before`: all its moves until here, by instant; None: not at hand."""
        self.row = row
        self.moves: dict[Key, LifecycleMove] = {(m.dimension, m.at): m for m in before or ()}
        self._policy = policy
        self._newest = max(row.policy, policy.position)
        self._whole = before is not None

    def step(self, step: Step) -> None:
        """Take a step, and before it the moves of time alone.

        Raises Lost, unless all earlier moves are at hand.
        """
        while (turn := self.row.next_move_at) is not None and turn < step.at:
            self._turn(turn)
        row, prior = self.row, self.row.stage
        if turn != step.at and looks_around(step) and self._lasts(row):
            self.row = kept_up(row, self._policy, step)
            return
        if turn == step.at:
            prior = stage_of(row, self._policy, step.at)
        tier = row.tier
        if step.policy is None:
            row = lived(row, (step,), self._policy)
        else:
            self._newest, self._policy = max(self._newest, step.position), step.policy
            row = under(row, step.policy)
        stage, turn = stage_until(row, self._policy, step.at)
        if stage is not prior or prior is not row.stage:
            row = self._with_stage(row, step, prior, stage)
        if step.nets is not None or step.policy is not None:
            row = self._with_tier(row, step, tier, tier_of(row.net, self._policy))
        if row is not self.row or turn != row.next_move_at:
            self.row = _told(row, turn, self._newest)

    def _lasts(self, row: Lifecycle) -> bool:
        return row.stage in LASTING and row.policy == self._newest and is_told(row)

    def wait(self, clock: datetime) -> None:
        """Make the moves of time alone up to an instant."""
        while (turn := self.row.next_move_at) is not None and turn <= clock:
            self._turn(turn)

    def _turn(self, at: datetime) -> None:
        row = self.row
        stage, turn = stage_until(row, self._policy, at)
        self._put(STAGE, at, row.stage, stage, None)
        self.row = replace(
            row,
            stage=stage,
            stage_since=at,
            stage_cause=None,
            stage_before=row.stage,
            next_move_at=turn,
            policy=self._newest,
        )

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


def looks_around(step: Step) -> bool:
    """Tell whether a step is activity and nothing else."""
    return step.active and not (step.known or step.purchased or step.nets or step.policy)


def kept_up(row: Lifecycle, policy: Policy, step: Step) -> Lifecycle:
    """Return the row after activity in a lasting stage: what `Walk.step` comes to, in one change.

    The step is the next one, it comes before the row's next move, and the row `is_told`.
    """
    row = looked_around(row, step)
    if row.stage is Stage.ACTIVE or row.stage is Stage.PROSPECT:
        return replace(row, next_move_at=step.at + policy.silent_after)
    return row


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
