"""Lifecycle: every customer's stage and tier, exact for any instant, whatever order facts come in.

What comes in the order in which it happened moves the customer's own row on. What comes late only
goes to where it belongs among its orders and days; from there on the walk is then told anew, once a
batch.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from domain.customer.events import CustomerRegistered
from domain.lifecycle.events import LifecyclePolicyAdopted
from domain.order.events import (
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRevised,
)
from domain.shared.events import Event, Fact
from projections.activity import JUDGED, is_activity
from projections.lifecycle.days import did, on_day
from projections.lifecycle.lived import Step
from projections.lifecycle.orders import in_currency, of_order, taken
from projections.lifecycle.resuming import (
    going_on,
    is_next,
    late,
    late_from_the_beginning,
    late_since,
    rewound,
    untold_since,
)
from projections.lifecycle.stages import Policies, Policy, adopted, last_of, newest
from projections.lifecycle.tables import (
    DAY,
    LIFECYCLE,
    MOVE,
    ORDER,
    POLICY,
    TABLES,
    TELLING,
    Lifecycle,
    LifecycleOrder,
    LifecyclePolicy,
)
from projections.lifecycle.telling import moved, own_net, tell
from projections.lifecycle.walk import LASTING, STAGE, Lost, Walk, is_told, kept_up
from projections.order_fold import combine
from projections.projection import View
from projections.rows import Key, Rows, Table

MONEY: Final = (OrderPaid, OrderRefunded)

lifecycle: Final = View(
    "lifecycle",
    version=3,
    tables=TABLES,
    package="projections.lifecycle",
    shared=Policies(),
    due=(LIFECYCLE, "next_move_at"),
    due_hour="next_move_hour",
    constant="known_at is null and first_purchase_at is null and nets = '{}'",  # a visitor
    root=LIFECYCLE,
    opens=(),
)


@lifecycle.shares(LifecyclePolicyAdopted)
def _(shared: Policies, fact: Fact, event: LifecyclePolicyAdopted) -> Policies:
    return shared.and_one(fact.shop, adopted(fact, event))


@lifecycle.on_nobodys(LifecyclePolicyAdopted)
def _(rows: Rows, fact: Fact, event: LifecyclePolicyAdopted) -> None:
    policy = LifecyclePolicy(
        policy=rows.subject,
        position=fact.position,
        shop=fact.shop,
        adopted_at=fact.occurred_at,
        new_days=event.new_days,
        silent_after_days=event.silent_after_days,
        lost_after_days=event.lost_after_days,
        won_back_days=event.won_back_days,
        high_value=event.high_value,
        general_value=event.general_value,
        currency=event.currency,
    )
    rows.put(POLICY, policy)


@lifecycle.on_any(*JUDGED)
def _(rows: Rows, fact: Fact, event: Event) -> None:
    at, position, origin = fact.occurred_at, fact.position, fact.origin
    held = rows.get(LIFECYCLE)
    row = held or _new(rows, fact)
    if at < row.heard_at:
        row = late_from_the_beginning(replace(row, heard_at=at, heard_position=position))
    if origin is not None and type(event) is CustomerRegistered and origin not in row.named:
        row = replace(row, named=tuple(sorted((*row.named, origin))))
    known = (row.known_at is None or at < row.known_at) and origin in row.named
    active = is_activity(event) and did(rows, row, fact)
    if held is None or known or active:
        step = Step(at, position, known=known, active=active)
        row = (None if known else _still(rows, row, step)) or _stepped(rows, row, step)
    if row is not held:
        rows.put(LIFECYCLE, row)


@lifecycle.on(OrderPlaced, OrderRevised)
def _(rows: Rows, fact: Fact, event: OrderPlaced | OrderRevised) -> None:
    row = in_currency(rows, fact, event.currency)
    if isinstance(event, OrderPlaced):
        before, after = taken(rows, fact)
        row = replace(row, orders=row.orders + after.placed_by(None) - before.placed_by(None))
    rows.put(LIFECYCLE, row)


@lifecycle.on(*MONEY)
def _(rows: Rows, fact: Fact, event: OrderPaid | OrderRefunded) -> None:
    row = in_currency(rows, fact, event.currency)
    before, after = taken(rows, fact)
    row = replace(row, kept_purchases=row.kept_purchases + after.kept - before.kept)
    purchased = before.purchased_at is None and after.purchased_at is not None
    nets = moved(before, after)
    step = Step(fact.occurred_at, fact.position, purchased=purchased, nets=nets)
    row = _stepped(rows, row, step)
    rows.put(LIFECYCLE, replace(row, own_net=own_net(row)))


@lifecycle.on(OrderCancelled)
def _(rows: Rows, fact: Fact, _event: OrderCancelled) -> None:
    row = rows.get(LIFECYCLE)
    assert row is not None  # the first fact of any kind makes it
    before, after = taken(rows, fact)
    row = replace(row, kept_purchases=row.kept_purchases + after.kept - before.kept)
    rows.put(LIFECYCLE, row)


@lifecycle.wants(OrderPlaced, OrderPaid, OrderRefunded, OrderCancelled)
def _(fact: Fact, _event: Event) -> list[tuple[Table[LifecycleOrder], Key]]:
    return [(ORDER, (fact.stream,))]


@lifecycle.foresees
def _(rows: Rows, facts: Sequence[Fact]) -> tuple[Table[Any], ...]:
    """Tell that money which moved before what is told has the customer told anew."""
    row = rows.get(LIFECYCLE)
    if row is None:
        return ()
    moved_late = any(isinstance(f.event, MONEY) and f.occurred_at < row.last_fact_at for f in facts)
    return TELLING if moved_late else ()


@lifecycle.settles
def _(rows: Rows, clock: datetime) -> None:
    row = rows.get(LIFECYCLE)
    if row is None:
        return
    policies = rows.shared.of(row.shop)
    walk = going_on(row, policies)
    if walk is not None:
        walk.wait(clock)
        if walk.row is row:
            return
    else:
        rows.need(*TELLING)
        moves = rows.all(MOVE)
        walk = tell(
            row,
            policies,
            rows.all(DAY).values(),
            rows.all(ORDER).values(),
            moves=moves.values(),
            since=untold_since(row, policies),
        )
        walk.wait(clock)
        for key in moves.keys() - walk.moves.keys():
            rows.delete(MOVE, *key)
    _keep(rows, walk)


@lifecycle.combines
def _(rows: Rows, visitor: Rows) -> None:
    theirs = visitor.get(LIFECYCLE)
    if theirs is None:
        return
    rows.need(*TELLING)
    for day in visitor.all(DAY).values():
        on_day(rows, replace(day, customer=rows.subject))
    for order in visitor.all(ORDER).values():
        mine = rows.get(ORDER, order.order_id)
        both = combine(mine.told, order.told) if mine else order.told
        rows.put(ORDER, of_order(rows, order.order_id, both))
    row = rows.get(LIFECYCLE)
    if row is None:
        rows.put(LIFECYCLE, late_from_the_beginning(replace(theirs, customer=rows.subject)))
        return
    heard = min((r.heard_at, r.heard_position) for r in (row, theirs))
    known = min(
        (
            (r.known_at, r.known_position)
            for r in (row, theirs)
            if r.known_at is not None and r.known_position is not None
        ),
        default=(None, None),
    )
    combined = replace(
        row,
        heard_at=heard[0],
        heard_position=heard[1],
        known_at=known[0],
        known_position=known[1],
        named=tuple(sorted({*row.named, *theirs.named})),
        dealt=min((r.dealt for r in (row, theirs) if r.dealt is not None), default=None),
    )
    rows.put(LIFECYCLE, late_from_the_beginning(combined))


def _new(rows: Rows, fact: Fact) -> Lifecycle:
    at, position = fact.occurred_at, fact.position
    return Lifecycle(
        customer=rows.subject,
        shop=fact.shop,
        stage_since=at,
        told_since=at,
        tier_since=at,
        tier_cause=position,
        heard_at=at,
        heard_position=position,
        last_fact_at=at,
        policy=newest(rows.shared.of(fact.shop)),
    )


def _still(rows: Rows, row: Lifecycle, step: Step) -> Lifecycle | None:
    """Do what `_stepped` does where activity moves nobody: nearly always, and so in one go."""
    turn, policies = row.next_move_at, rows.shared.of(row.shop)
    if row.stage not in LASTING or (turn is not None and step.at >= turn):
        return None
    if row.policy != newest(policies) or not _is_under(step, policies):
        return None
    if not is_next(row, step.at) or not is_told(row):
        return None
    return kept_up(row, last_of(policies), step)


def _stepped(rows: Rows, row: Lifecycle, step: Step) -> Lifecycle:
    """Take a step if it is the next one; else leave the walk to be told anew."""
    policies = rows.shared.of(row.shop)
    row = _before_time_moved(rows, row, step, policies)
    walk = going_on(row, policies)
    if walk and _is_under(step, policies) and is_next(walk.row, step.at):
        try:
            walk.step(step)
        except Lost:
            pass
        else:
            for move in walk.moves.values():
                rows.put(MOVE, move)
            return walk.row
    if step.known:
        row = replace(row, known_at=step.at, known_position=step.position)
    return late(row, step.at)


def _is_under(step: Step, policies: tuple[Policy, ...]) -> bool:
    """Tell whether every policy had been adopted by then."""
    last = last_of(policies)
    return (step.at, step.position) > (last.at, last.position)


def _before_time_moved(
    rows: Rows, row: Lifecycle, step: Step, policies: tuple[Policy, ...]
) -> Lifecycle:
    """Take back the moves of time alone that a step comes before, as when old orders arrive."""
    if not step.at <= row.stage_since != row.told_since:
        return row
    told_at = max(row.told_since, row.last_fact_at, last_of(policies).at)
    if late_since(row) is not None or row.policy != newest(policies) or step.at < told_at:
        return row
    if last_of(policies).at >= max(row.told_since, row.last_fact_at):
        return row  # time may have moved it by another policy before
    row, turns = rewound(row, last_of(policies))
    for at in turns:
        rows.delete(MOVE, STAGE, at)
    return row


def _keep(rows: Rows, walk: Walk) -> None:
    rows.put(LIFECYCLE, walk.row)
    for move in walk.moves.values():
        rows.put(MOVE, move)
