"""The SQL of the questions about lifecycles; `at` is the instant, `shop` null for all shops."""

from collections.abc import Sequence
from typing import Final, LiteralString

from psycopg.sql import SQL, Composable, Composed, Identifier

from projections.lifecycle.tables import DAY, LIFECYCLE, ORDER


def _columns(names: Sequence[str]) -> Composed:
    return SQL(", ").join(map(Identifier, names))


_OF_SHOP: Final = SQL("(%(shop)s::text is null or l.shop = %(shop)s)")


def _of_customers(text: LiteralString, old: Composable) -> Composed:
    return SQL(text).format(
        columns=_columns(LIFECYCLE.columns), of_shop=_OF_SHOP, place=_PLACE, clear=_CLEAR, old=old
    )


WALKS: Final = SQL(
    "select slot, position, walked from huike.checkpoint where view = 'lifecycle' order by slot"
)
"""How far each slot has come, and how far its walk by the newest policy."""

OF_SHOPS: Final = SQL("l.shop = any({shops})")
BEYOND: Final = SQL("l.customer > {after}")
"""Whom a walk has not reached yet."""
OF_SLOTS: Final = SQL(
    "(('x' || left(l.customer::text, 8))::bit(32)::bigint %% {of}) = any({slots})"
)

_PLACE: Final = SQL("""
case when first_purchase_at is null then
        case when known_at is null then 'visitor'
             when %(at)s - coalesce(last_activity_at, known_at) >= %(silent_after)s
             then 'idle prospect' else 'prospect' end
    when %(at)s - first_purchase_at < %(new_for)s then 'new'
    when %(at)s - last_activity_at < %(silent_after)s then 'active'
    when %(at)s - last_activity_at < %(lost_after)s then 'silent'
    else 'lost' end as told_stage,
case when value >= %(high_value)s then 'high'
    when value >= %(general_value)s then 'general'
    when value > 0 then 'low'
    else 'none' end as told_tier
from huike.lifecycle l, lateral (
    select coalesce((convert_from(nets, 'UTF8')::jsonb ->> %(currency)s)::numeric, 0)
) as net_in (value)
""")
"""Stage and tier by one policy of who cannot be won back; `stages.py` says what they are."""

_CLEAR: Final = SQL(
    "(last_fact_at <= %(at)s and (purchases <= 1 or %(at)s - last_purchase_at >= %(won_back_for)s))"
)
"""Nothing happened later, and a silence before a purchase makes no difference any more."""

NOBODY: Final = SQL("false")
EVERYBODY: Final = SQL("true")


def present(old: Composable) -> Composed:
    """Return what counts those who stand where their row says, being told by every policy."""
    return _of_customers(
        """
select stage, tier, count(*) from huike.lifecycle l
where (next_move_at is null or next_move_at > %(at)s) and not {old} and {of_shop}
group by stage, tier""",
        old,
    )


def later(old: Composable) -> Composed:
    """Return what counts the moves to be undone."""
    return _of_customers(
        """
select m.was, m.became, count(*) from huike.lifecycle_move m join huike.lifecycle l using (customer)
where m.at > %(at)s and not {old} and {of_shop}
group by m.was, m.became""",
        old,
    )


def due(old: Composable) -> Composed:
    """Return what asks for those whom time alone has moved by the instant."""
    return _of_customers(
        "select {columns} from huike.lifecycle l "
        "where next_move_hour <= %(at)s and next_move_at <= %(at)s and not {old} and {of_shop}",
        old,
    )


def placed(whom: Composable) -> Composed:
    """Return what counts, by one policy, those of whom the row alone can tell in SQL."""
    return _of_customers(
        "select told_stage, told_tier, count(*) from (select {place} "
        "where {clear} and {old} and {of_shop}) as placed group by told_stage, told_tier",
        whom,
    )


def unclear(whom: Composable) -> Composed:
    """Return what asks for the others that had been heard of."""
    return _of_customers(
        "select {columns} from huike.lifecycle l "
        "where heard_at <= %(at)s and not {clear} and {old} and {of_shop}",
        whom,
    )


ONE: Final = SQL("select {} from huike.lifecycle where customer = %(customer)s").format(
    _columns(LIFECYCLE.columns)
)

DAYS: Final = SQL("select {} from huike.lifecycle_day where customer = any(%s)").format(
    _columns(DAY.columns)
)
ORDERS: Final = SQL("select {} from huike.lifecycle_order where customer = any(%s)").format(
    _columns(ORDER.columns)
)

SPELLS: Final = SQL(
    "select customer, array_agg(first_at), array_agg(first_position), array_agg(last_at) "
    "from huike.lifecycle_day where customer = any(%(customers)s) and first_at <= %(at)s "
    "group by customer"
)
TOLD: Final = SQL(
    "select customer, string_agg(told, ',') from huike.lifecycle_order "
    "where customer = any(%(customers)s) group by customer"
)

_CONDITIONS: Final = {
    "customer": SQL("customer = %(customer)s"),
    "dimension": SQL("dimension = %(dimension)s"),
    "was": SQL("was = %(was)s"),
    "became": SQL("became = %(became)s"),
    "since": SQL("at >= %(since)s"),
    "before": SQL("at < %(before)s"),
    "after": SQL("(at, customer, dimension) < (%(after_at)s, %(after)s, %(after_in)s)"),
}


def moves(conditions: Sequence[str]) -> Composed:
    """Return what asks for moves that meet these conditions, the latest first."""
    where = SQL(" and ").join([SQL("true"), *(_CONDITIONS[c] for c in conditions)])
    return SQL("""
select customer, dimension, at, was, became, cause from huike.lifecycle_move where {}
order by at desc, customer desc, dimension desc limit %(limit)s
""").format(where)
