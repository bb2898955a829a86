"""The SQL of the questions about lifecycles; `at` is the instant, `shop` null for all shops."""

from collections.abc import Sequence
from typing import Final, LiteralString

from psycopg.sql import SQL, Composed, Identifier

from projections.lifecycle.tables import DAY, LIFECYCLE, ORDER


def _columns(names: Sequence[str]) -> Composed:
    return SQL(", ").join(map(Identifier, names))


# A row is old when it was told before a policy that held at the instant was recorded.
_OLD: Final = SQL(
    "exists (select from huike.lifecycle_policy p where p.shop = l.shop "
    "and p.position > l.policy and p.adopted_at <= %(at)s)"
)


_OF_SHOP: Final = SQL("(%(shop)s::text is null or l.shop = %(shop)s)")


def _of_customers(text: LiteralString) -> Composed:
    return SQL(text).format(columns=_columns(LIFECYCLE.columns), old=_OLD, of_shop=_OF_SHOP)


PRESENT: Final = _of_customers("""
select stage, tier, count(*) from huike.lifecycle l
where (next_move_at is null or next_move_at > %(at)s) and not {old} and {of_shop}
group by stage, tier
""")

LATER: Final = _of_customers("""
select m.was, m.became, count(*) from huike.lifecycle_move m join huike.lifecycle l using (customer)
where m.at > %(at)s and not {old} and {of_shop}
group by m.was, m.became
""")

DUE: Final = _of_customers(
    "select {columns} from huike.lifecycle l "
    "where next_move_at <= %(at)s and not {old} and {of_shop}"
)
OLD: Final = _of_customers(
    "select {columns} from huike.lifecycle l where heard_at <= %(at)s and {old} and {of_shop}"
)
HEARD: Final = _of_customers(
    "select {columns} from huike.lifecycle l where heard_at <= %(at)s and {of_shop}"
)
ONE: Final = _of_customers("select {columns} from huike.lifecycle where customer = %(customer)s")

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
