"""Questions about lifecycles, asked about an instant, past or future, over `huike.*`.

One snapshot (`repeatable read`) for all statements of an answer keeps its figures consistent.
Rows that time or a new policy has not moved yet are told at reading, by the fold's own rules.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from msgspec.structs import replace
from psycopg.rows import class_row
from psycopg.sql import Composable

from projections.lifecycle import statements, stored
from projections.lifecycle.answers import Counts, Standing, Tally, asked_under, standing
from projections.lifecycle.resuming import going_on
from projections.lifecycle.stages import EVER, Policy, Stage, Tier, in_force, last_of
from projections.lifecycle.stood import stood
from projections.lifecycle.tables import Lifecycle, LifecycleMove
from projections.lifecycle.telling import tell
from projections.lifecycle.walk import Walk
from projections.paging import Page, cursor_of, place_of

Connection = psycopg.Connection[Any]

LARGEST_PAGE: Final = 500


class WantedMoves(msgspec.Struct, frozen=True, kw_only=True):
    """Which moves: all that meet every condition given. `since` is included, `before` is not."""

    customer: UUID | None = None
    dimension: str | None = None
    was: str | None = None
    became: str | None = None
    since: datetime | None = None
    before: datetime | None = None


def counts(connection: Connection, at: datetime, *, shop: str | None = None) -> Counts:
    """Return how many customers were, or will be if nothing happens, in each stage and tier.

    `shop`: only customers of this shop.
    """
    tally, about = Tally(), {"at": at, "shop": shop}
    with connection.transaction():
        policies = stored.policies(connection)
        old = stored.old(connection, policies, at)
        for stage, tier, customers in connection.execute(statements.present(old), about):
            tally.add(Stage(stage), Tier(tier), customers)
        for was, became, customers in connection.execute(statements.later(old), about):
            tally.undo(was, became, customers)
        for row in stored.rows(connection, statements.due(old), about):
            tally.add(*_waited(Walk(row, in_force(policies.of(row.shop), at)), at))
        if old is not statements.NOBODY:
            for whose in policies.by_shop if shop is None else [shop]:
                _count_old(connection, tally, old, policies.of(whose), {"at": at, "shop": whose})
    return tally.counts(at)


def _count_old(
    connection: Connection,
    tally: Tally,
    old: Composable,
    policies: tuple[Policy, ...],
    about: dict[str, Any],
) -> None:
    """Count the customers of a shop whose rows are told by a policy that does not hold any more."""
    at = about["at"]

    def unclear() -> Iterator[Lifecycle]:
        for row in stored.rows(connection, statements.unclear(old), asked):
            walk = _gone_on(row, policies, at)
            if walk is None:
                yield row
            else:
                tally.add(*_waited(walk, at))

    asked = about | _numbers(in_force(policies, at))
    for stage, tier, customers in connection.execute(statements.placed(old), asked):
        tally.add(Stage(stage), Tier(tier), customers)
    for row, days, orders in stored.whole(connection, unclear()):
        tally.add(*_waited(tell(row, policies, days, orders, until=at), at))


def what_if(
    connection: Connection, at: datetime, policy: Policy, *, shop: str | None = None
) -> Counts:
    """Return how customers (of a shop) would be spread, had this policy always held."""
    tally, always = Tally(), replace(policy, at=EVER, position=0)
    about = {"at": at, "shop": shop} | _numbers(always)
    with connection.transaction():
        everybody = statements.EVERYBODY

        def unclear() -> Iterator[Lifecycle]:
            for row in stored.rows(connection, statements.unclear(everybody), about):
                place = asked_under(row, always, at)
                if place is None:
                    yield row
                else:
                    tally.add(*place)

        for stage, tier, customers in connection.execute(statements.placed(everybody), about):
            tally.add(Stage(stage), Tier(tier), customers)
        for row, spells, orders in stored.lives(connection, unclear(), at):
            tally.add(*stood(row, always, spells, orders, at))
    return tally.counts(at)


def customer(connection: Connection, customer: UUID, at: datetime) -> Standing | None:
    """Return how a customer stood, or will stand, at an instant; None: not heard of by then."""
    about = {"customer": customer}
    with connection.transaction():
        for row in stored.rows(connection, statements.ONE, about):
            if row.heard_at > at:
                return None
            policies = stored.policies(connection).of(row.shop)
            walk = _gone_on(row, policies, at)
            if walk is not None:
                return standing(walk.row, policies, at)
            for _, days, orders in stored.whole(connection, [row]):
                told = tell(row, policies, days, orders, until=at).row
                return standing(told, tuple(p for p in policies if p.at <= at), at)
    return None


def moves(
    connection: Connection, wanted: WantedMoves, *, cursor: str | None = None, limit: int = 50
) -> Page[LifecycleMove]:
    """Return a page of moves, the latest first. Raises Malformed for a cursor of another list."""
    limit = max(1, min(limit, LARGEST_PAGE))
    values = {k: v for k, v in msgspec.structs.asdict(wanted).items() if v is not None}
    conditions = list(values)
    if cursor is not None:
        place = place_of(cursor, _Move)
        conditions.append("after")
        values |= {"after_at": place.at, "after": place.customer, "after_in": place.dimension}
    statement = statements.moves(conditions)
    with connection.cursor(binary=True, row_factory=class_row(LifecycleMove)) as found:
        page = found.execute(statement, values | {"limit": limit + 1}).fetchall()
    following = None
    if len(page) > limit:
        del page[limit:]
        following = cursor_of(page[-1].at, page[-1].customer, page[-1].dimension)
    return Page(page, following)


class _Move(NamedTuple):
    """Where a page of moves ended."""

    at: datetime
    customer: UUID
    dimension: str


def _waited(walk: Walk, at: datetime) -> tuple[Stage, Tier]:
    walk.wait(at)
    assert walk.row.stage is not None  # its first step led into one
    return walk.row.stage, walk.row.tier


def _gone_on(row: Lifecycle, policies: tuple[Policy, ...], at: datetime) -> Walk | None:
    """Return the walk that goes on from a row, if nothing of it came to be after an instant."""
    walk = going_on(row, policies)
    if walk is None or last_of(policies).at > at:
        return None
    told = walk.row
    return walk if max(told.last_fact_at, told.stage_since, told.tier_since) <= at else None


def _numbers(policy: Policy) -> dict[str, Any]:
    """Return a policy as the statements ask for it."""
    return {
        "new_for": policy.new_for,
        "silent_after": policy.silent_after,
        "lost_after": policy.lost_after,
        "won_back_for": policy.won_back_for,
        "high_value": policy.high_value,
        "general_value": policy.general_value,
        "currency": policy.currency,
    }
