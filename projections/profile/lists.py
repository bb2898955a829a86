"""The SQL of lists of customers: walked along an index where there is one, sorted otherwise."""

from collections.abc import Sequence
from itertools import product
from typing import Any, Final, NamedTuple

from projections.lifecycle.stages import Stage, Tier
from projections.profile.answers import COLUMNS

LISTED: Final = ", ".join(f"p.{column}" for column in COLUMNS)
FROM: Final = "from huike.profile p"
WITH_STAGE: Final = f"{FROM} left join huike.lifecycle l on l.customer = p.customer"
LAST_SEEN: Final = "coalesce(p.last_seen, p.first_seen)"

SORTED_BY: Final = {
    "net": "p.net",
    "last_seen": LAST_SEEN,
    "first_seen": "p.first_seen",
    "orders": "p.orders",
}


class _Run(NamedTuple):
    """Customers of one stage and tier whom an index of the lifecycle holds in order.

    `by`: what they are sorted by. `first`: what comes before it in the index. `who`: only these;
    `onward`: where in the index they go on.
    """

    by: str
    first: str | None = None
    who: str = "true"
    onward: str = "true"


_HOUR: Final = "l.last_activity_hour"
_RUNS: Final = {
    "net": (_Run("l.own_net"),),
    "orders": (_Run("l.orders"),),
    "first_seen": (_Run("l.heard_at"),),
    "last_seen": (
        _Run("l.heard_at", _HOUR, f"{_HOUR} is null"),
        _Run(
            "l.last_activity_at",  # each hour is sorted as it is come to
            _HOUR,
            f"{_HOUR} is not null",
            f"{_HOUR} {{beyond}}= date_bin('1 hour', %(last)s, 'epoch')",
        ),
    ),
}


class Order(NamedTuple):
    """How a list is sorted. `follows`: after the values `last` and `after`."""

    column: str
    down: bool
    follows: bool

    def by(self, *columns: str) -> str:
        return ", ".join(f"{column} desc" if self.down else column for column in columns)

    @property
    def beyond(self) -> str:
        return "<" if self.down else ">"

    def after(self, *columns: str) -> str:
        return f"({', '.join(columns)}) {self.beyond} (%(last)s, %(after)s)"


def walking(order: Order, person: str) -> bytes:
    """Return what takes a page of the customers in `stages` and `tiers`, along indexes.

    A run for each pair of them, of which the first are taken that are wanted in all. Whoever the
    profile has not heard of yet has no columns there.
    """
    runs = " union all ".join(_run(run, order) for run in _RUNS[order.column])
    places = "unnest(%(stages)s::text[], %(tiers)s::text[]) as place (stage, tier)"
    first = f"order by {order.by('run.by', 'run.customer')} limit %(limit)s"
    return (
        f"select page.by, page.customer, {LISTED}, page.stage, page.tier, {person} "  # noqa: S608  # this file's own names
        f"from (select run.* from {places}, lateral ({runs}) as run {first}) as page "
        "left join huike.profile p on p.customer = page.customer "
        f"order by {order.by('page.by', 'page.customer')}"
    ).encode()


def sorting(conditions: Sequence[str], order: Order, person: str) -> bytes:
    """Return what takes a page of the customers that meet these conditions, by sorting them all."""
    by = SORTED_BY[order.column]
    where = list(conditions)
    if order.follows:
        where.append(order.after(by, "p.customer"))
    ordered = f"order by {order.by(by, 'p.customer')} limit %(limit)s"
    return selected(by, where, ordered, person)


def selected(by: str, conditions: Sequence[str], ordered: str, person: str) -> bytes:
    """Return a select of what is sorted by, who it is, the profile, stage, tier, and the person."""
    where = " and ".join(conditions) or "true"
    return (
        f"select {by}, p.customer, {LISTED}, l.stage, l.tier, {person} "
        f"{WITH_STAGE} where {where} {ordered}"
    ).encode()


def places(stage: str | None, tier: str | None) -> dict[str, Any]:
    """Return every pair of a stage and a tier that is asked for, for `walking`."""
    pairs = list(product([stage] if stage else Stage, [tier] if tier else Tier))
    return {"stages": [str(s) for s, _ in pairs], "tiers": [str(t) for _, t in pairs]}


def _run(run: _Run, order: Order) -> str:
    where = ["l.stage = place.stage", "l.tier = place.tier", run.who]
    if order.follows:
        where += [run.onward.format(beyond=order.beyond), order.after(run.by, "l.customer")]
    index = [c for c in (run.first, run.by, "l.customer") if c is not None]
    return (
        f"(select l.customer, l.stage, l.tier, {run.by} as by from huike.lifecycle l "  # noqa: S608  # this file's own names
        f"where {' and '.join(where)} order by {order.by(*index)} limit %(limit)s)"
    )
