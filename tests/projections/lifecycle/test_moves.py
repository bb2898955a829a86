"""Every move is what the definition says, at any instant, whatever order the facts came in."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.customer.events import CustomerRegistered, VisitorRecognised
from projections.lifecycle.projection import lifecycle
from projections.lifecycle.tables import DAY as DAYS
from projections.lifecycle.tables import LIFECYCLE, MOVE, ORDER, LifecycleMove
from projections.lifecycle.telling import tell
from projections.rows import Rows
from projections.runtime.replay import Replay
from tests.projections.histories import USERS, VISITORS, History, MemoryLog
from tests.projections.lifecycle.definition import (
    DAY,
    adopted_in,
    defined_stage,
    defined_tier,
    facts_of,
)
from tests.projections.lifecycle.stories import lives, one_life


def folded(history: History) -> dict[UUID, Rows]:
    replayed = Replay(lifecycle)
    log = MemoryLog(history)
    for fact in history.facts:
        customer = log.customer_of(fact.origin, at=history.head) if fact.origin else None
        replayed.fold(customer, fact)
    replayed.settle(history.clock)
    return replayed.rows


def place_at(rows: Rows, dimension: str, t: datetime) -> str | None:
    moves: list[LifecycleMove] = [m for m in rows.all(MOVE).values() if m.dimension == dimension]
    became = {m.at: m.became for m in moves if m.at <= t}
    return became[max(became)] if became else None


@given(lives | one_life, st.lists(st.integers(0, 200 * 24 * 60)))
def test_the_moves_tell_the_stage_and_tier_of_any_instant(
    history: History, minutes: list[int]
) -> None:
    policies = adopted_in(history)
    rows = folded(history)
    for customer in {*USERS, *VISITORS} & rows.keys():
        facts = facts_of(history, customer)
        if not facts:
            continue
        instants = {f.occurred_at for f in history.facts} | {history.clock}
        instants |= {m.at for m in rows[customer].all(MOVE).values()}
        instants |= {history.clock - timedelta(minutes=m) for m in minutes}
        for at in instants:
            for t in (at - timedelta(microseconds=1), at):
                if t > history.clock:
                    continue
                assert place_at(rows[customer], "stage", t) == defined_stage(facts, policies, t)
                tier = place_at(rows[customer], "tier", t) or "none"
                assert tier == defined_tier(facts, policies, t)


@given(lives | one_life)
def test_the_moves_of_a_customer_follow_each_other(history: History) -> None:
    for rows in folded(history).values():
        row = rows.get(LIFECYCLE)
        for dimension in ("stage", "tier"):
            moves = [m for m in rows.all(MOVE).values() if m.dimension == dimension]
            moves.sort(key=lambda move: move.at)
            assert all(m.was != m.became for m in moves)
            assert all(a.became == b.was for a, b in pairwise(moves))
            if moves:
                assert row is not None
                assert getattr(row, dimension) == moves[-1].became
                assert getattr(row, f"{dimension}_since") == moves[-1].at
                assert getattr(row, f"{dimension}_cause") == moves[-1].cause


@given(lives | one_life)
def test_told_step_by_step_is_the_same_as_told_anew(history: History) -> None:
    for rows in folded(history).values():
        row = rows.get(LIFECYCLE)
        if row is not None:
            walk = tell(row, adopted_in(history), rows.all(DAYS).values(), rows.all(ORDER).values())
            walk.wait(history.clock)
            assert walk.row == row
            assert walk.moves == rows.all(MOVE)


@given(lives | one_life, st.data())
def test_a_walk_told_anew_from_an_instant_is_the_whole_walk(
    history: History, data: st.DataObject
) -> None:
    policies = adopted_in(history)
    for rows in folded(history).values():
        row = rows.get(LIFECYCLE)
        if row is None:
            continue
        days, orders = rows.all(DAYS).values(), rows.all(ORDER).values()
        whole = tell(row, policies, days, orders)
        moves = list(rows.all(MOVE).values())
        instants = {f.occurred_at for f in history.facts} | {m.at for m in moves}
        since = data.draw(st.sampled_from(sorted(instants)).filter(row.last_fact_at.__ge__))
        walk = tell(row, policies, days, orders, moves=reversed(moves), since=since)
        assert walk.row == whole.row
        assert walk.moves == whole.moves


@given(lives | one_life, st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_history(history: History, random: Random) -> None:
    """Instants are made to differ: of what happens at one, the position says what came later."""
    facts = [
        replace(f, occurred_at=f.occurred_at + timedelta(microseconds=f.position))
        for f in history.facts
        if not isinstance(f.event, VisitorRecognised)
    ]
    clock = history.clock + DAY
    first = [f for f in facts if isinstance(f.event, CustomerRegistered)]  # as the log would
    rest = [f for f in facts if not isinstance(f.event, CustomerRegistered)]
    random.shuffle(rest)
    shuffled = [replace(f, position=n) for n, f in enumerate((*first, *rest), 1)]
    in_order = [
        replace(f, position=n)
        for n, f in enumerate((*first, *(f for f in facts if f not in first)), 1)
    ]
    one = _everybody(History(tuple(in_order), clock))
    other = _everybody(History(tuple(shuffled), clock))
    assert one == other


def _everybody(history: History) -> Mapping[UUID, object]:
    when = {f.position: f.occurred_at for f in history.facts}
    everybody = {}
    for customer, rows in folded(history).items():
        row = rows.get(LIFECYCLE)
        if row is None:
            continue
        moves = {
            (m.dimension, m.at, m.was, m.became, when.get(m.cause or 0))
            for m in rows.all(MOVE).values()
        }
        row = replace(
            row,
            stage_cause=None,
            told_cause=None,
            tier_cause=None,
            heard_position=0,
            known_position=None,
            dealt=row.dealt and (row.dealt[0], 0, row.dealt[2]),
            day_first_position=None,
            policy=0,
        )
        everybody[customer] = (moves, row)
    return everybody
