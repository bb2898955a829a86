"""How a walk is taken up again: where it stands, before moves of time, or where something is late.

A move that time alone will make comes after the last fact. Between fold and settle, a row whose
next one does not is late: its walk is to be told anew, from that instant on.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter

from msgspec.structs import replace

from projections.lifecycle.lived import Step, lived
from projections.lifecycle.stages import EVER, Policy, Stage, Tier, last_of, stage_until
from projections.lifecycle.tables import Lifecycle, LifecycleMove
from projections.lifecycle.walk import STAGE, TIER, Lost, Walk


def late_since(row: Lifecycle) -> datetime | None:
    """Return from when on a row's walk is to be told anew; None: it is told."""
    turn = row.next_move_at
    return turn if turn is not None and turn <= row.last_fact_at else None


def untold_since(row: Lifecycle, policies: tuple[Policy, ...]) -> datetime:
    """Return before which instant everything is told of a row, by all policies that held then."""
    recorded_since = [policy.at for policy in policies if policy.position > row.policy]
    return min([late_since(row) or row.last_fact_at, *recorded_since])


def late(row: Lifecycle, at: datetime) -> Lifecycle:
    """Return the row, its walk to be told anew from this instant on, if not from before.

    At the latest from its last fact on: after it there are no moves but those of time.
    """
    return replace(row, next_move_at=min(late_since(row) or row.last_fact_at, at))


def late_from_the_beginning(row: Lifecycle) -> Lifecycle:
    """Return the row, its whole walk to be told anew."""
    return replace(row, next_move_at=EVER)


def going_on(row: Lifecycle, policies: tuple[Policy, ...]) -> Walk | None:
    """Return a walk that goes on from a row, by every policy adopted since it last changed.

    None: the row is late, or a policy came before something else that is told; tell it anew.
    """
    if late_since(row) is not None:
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
        next_move_at=stage_until(row, policy, row.last_fact_at)[1],
    )
    walk = Walk(back, policy)
    walk.wait(row.stage_since)
    return back, [at for _, at in walk.moves]


def taken_up(
    begun: Lifecycle, policy: Policy, steps: Sequence[Step], moves: Iterable[LifecycleMove]
) -> Walk:
    """Return a walk as it is after its first steps and the moves until then, without walking there.

    `begun`: the row before them. `policy`: in force after them. `moves`: one of them led into the
    first stage. What their last step led into is not told: another one follows.
    """
    made = sorted(moves, key=attrgetter("at"))
    stage = next(move for move in reversed(made) if move.dimension == STAGE)
    tier = next((move for move in reversed(made) if move.dimension == TIER), None)
    row = replace(
        lived(begun, (step for step in steps if step.policy is None), policy),
        stage=Stage(stage.became),
        stage_since=stage.at,
        stage_cause=stage.cause,
        stage_before=None if stage.was is None else Stage(stage.was),
    )
    if tier is not None:
        row = replace(
            row,
            tier=Tier(tier.became),
            tier_since=tier.at,
            tier_cause=tier.cause,
            tier_before=Tier(tier.was or Tier.NONE),
        )
    turn = stage_until(row, policy, max(steps[-1].at, stage.at))[1]
    return Walk(replace(row, next_move_at=turn), policy, made)
