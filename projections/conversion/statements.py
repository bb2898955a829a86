"""The SQL of the questions about campaigns: `at` the instant, `campaign` one of them or all.

`BY_ROWS` is the definition: it looks at every recipient. `BY_COUNTS` comes to the same figures from
the counts of recipients and the purchases, once nothing occurred after the instant.
"""

from typing import Final, NamedTuple

from psycopg import sql

ASKED: Final = sql.SQL("""
select campaign, code, name, channel, simulated, goal_product, goal_category,
    case when launched_at <= %(at)s then control_share end as control_share,
    case when launched_at <= %(at)s then seed end as seed,
    coalesce(window_days, 7) as window_days,
    case when ended_at <= %(at)s then 'ended'
         when launched_at <= %(at)s then 'running'
         else 'drafted' end as status
from huike.campaign
where case when %(campaign)s::uuid is null then drafted_at <= %(at)s
           else campaign = %(campaign)s end
order by launched_at desc nulls first, drafted_at desc, campaign
""")

COUNTED_UNTIL: Final = sql.SQL("""
select max(last_at) from huike.conversion_count
where %(campaign)s::uuid is null or campaign = %(campaign)s
""")


Statement = sql.SQL | sql.Composed


class Figures(NamedTuple):
    """One way to come to the figures of a campaign, or (groups, money) of all."""

    groups: Statement
    money: Statement
    spells: Statement
    takings: Statement
    touched: Statement


OUTCOMES: Final = sql.SQL("""
with purchase as (
    select campaign, customer,
        min(purchased_at) filter (where meets_goal) as converted_at,
        min(day) filter (where meets_goal) as converted_day,
        sum(net) filter (where currency = %(currency)s) as net
    from huike.conversion_purchase
    where (%(campaign)s::uuid is null or campaign = %(campaign)s)
        and day is not null and since <= %(at)s and (until is null or until > %(at)s)
    group by campaign, customer
), outcome as (
    select r.*, p.converted_at as bought_at, p.converted_day as bought_day,
        coalesce(p.net, 0) as brought, r.window_ends <= %(at)s as mature
    from huike.conversion_recipient r left join purchase p using (campaign, customer)
    where (%(campaign)s::uuid is null or campaign = %(campaign)s) and r.assigned_at <= %(at)s
)""")

GROUPS: Final = sql.SQL("""{outcomes}
select campaign, arm, mature, bought_day as converted_day, count(*) as recipients,
    count(*) filter (where both_arms) as both_arms,
    count(*) filter (where sent_at <= %(at)s) as sent,
    count(*) filter (where delivered_at <= %(at)s) as delivered,
    count(*) filter (where opened_at <= %(at)s) as opened,
    count(*) filter (where clicked_by_person_at <= %(at)s) as clicked_by_person,
    count(*) filter (where clicked_by_scanner_at <= %(at)s) as clicked_by_scanner,
    count(*) filter (where bounced_at <= %(at)s) as bounced,
    count(*) filter (where failed_at <= %(at)s) as failed,
    count(*) filter (where complained_at <= %(at)s) as complained,
    count(*) filter (where redeemed_at <= %(at)s) as redeemed
from outcome
group by campaign, arm, mature, bought_day
""").format(outcomes=OUTCOMES)

_RANKED: Final = sql.SQL("""ranked as (
    select arm, elapsed, converted,
        sum(recipients) over (partition by arm order by elapsed desc) as at_risk,
        sum(recipients - converted) over (
            partition by arm order by elapsed rows between unbounded preceding and 1 preceding
        ) as gone
    from moment
)
select arm, floor(extract(epoch from elapsed) / 86400)::int + 1 as day,
    max(at_risk)::bigint as at_risk, sum(converted)::bigint as converted
from ranked
where converted > 0
group by arm, day, coalesce(gone, 0)""")

SPELLS: Final = sql.SQL("""{outcomes}, watched as (
    select arm, bought_at is not null as converted,
        coalesce(bought_at, least(%(at)s, window_ends)) - anchor as elapsed
    from outcome
), moment as (
    select arm, elapsed, count(*) as recipients, count(*) filter (where converted) as converted
    from watched
    group by arm, elapsed
), {ranked}
""").format(outcomes=OUTCOMES, ranked=_RANKED)

TAKINGS: Final = sql.SQL("""{outcomes}
select arm, brought, count(*)
from outcome
where mature
group by arm, brought
""").format(outcomes=OUTCOMES)

MONEY: Final = sql.SQL("""
select campaign, r.arm, r.window_ends <= %(at)s as mature, p.currency,
    count(*) as orders, count(*) filter (where kept) as kept, sum(p.net) as net
from huike.conversion_purchase p join huike.conversion_recipient r using (campaign, customer)
where (%(campaign)s::uuid is null or campaign = %(campaign)s) and assigned_at <= %(at)s
    and day is not null and since <= %(at)s and (until is null or until > %(at)s)
group by campaign, r.arm, mature, p.currency
""")

TOUCHED: Final = sql.SQL("""
select p.currency, count(*) as orders, sum(p.net) as net
from huike.conversion_purchase p join huike.conversion_recipient r using (campaign, customer)
where campaign = %(campaign)s and assigned_at <= %(at)s
    and last_touch and since <= %(at)s and (until is null or until > %(at)s)
group by p.currency
""")

BY_ROWS: Final = Figures(GROUPS, MONEY, SPELLS, TAKINGS, TOUCHED)

_STANDS: Final = sql.SQL("""(%(campaign)s::uuid is null or campaign = %(campaign)s)
    and since <= %(at)s and (until is null or until > %(at)s)""")

_BUYERS: Final = sql.SQL("""
with buyer as materialized (
    select campaign, arm, anchor, window_ends,
        min(purchased_at) filter (where meets_goal) as converted_at,
        min(day) filter (where meets_goal) as converted_day,
        coalesce(sum(net) filter (where currency = %(currency)s), 0) as brought
    from huike.conversion_purchase
    where day is not null and {stands}
    group by campaign, customer, arm, anchor, window_ends
), counted as (
    select * from huike.conversion_count
    where %(campaign)s::uuid is null or campaign = %(campaign)s
)""").format(stands=_STANDS)

_COUNTED_GROUPS: Final = sql.SQL("""{buyers}, converted as (
    select campaign, arm, window_ends <= %(at)s as mature, converted_day, count(*) as recipients
    from buyer
    where converted_day is not null
    group by campaign, arm, mature, converted_day
), together as (
    select campaign, arm, window_ends <= %(at)s as mature, null::integer as converted_day,
        sum(recipients)::bigint as recipients, sum(both_arms)::bigint as both_arms,
        sum(sent)::bigint as sent, sum(delivered)::bigint as delivered,
        sum(opened)::bigint as opened, sum(clicked_by_person)::bigint as clicked_by_person,
        sum(clicked_by_scanner)::bigint as clicked_by_scanner, sum(bounced)::bigint as bounced,
        sum(failed)::bigint as failed, sum(complained)::bigint as complained,
        sum(redeemed)::bigint as redeemed
    from counted
    where recipients > 0
    group by campaign, arm, mature
)
select campaign, arm, mature, t.converted_day,
    t.recipients - coalesce(sum(c.recipients), 0)::bigint as recipients, both_arms, sent,
    delivered, opened, clicked_by_person, clicked_by_scanner, bounced, failed, complained, redeemed
from together t left join converted c using (campaign, arm, mature)
group by campaign, arm, mature, t.converted_day, t.recipients, both_arms, sent, delivered, opened,
    clicked_by_person, clicked_by_scanner, bounced, failed, complained, redeemed
union all
select campaign, arm, mature, converted_day, recipients, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
from converted
""").format(buyers=_BUYERS)

_COUNTED_SPELLS: Final = sql.SQL("""{buyers}, watched as (
    select arm, least(%(at)s, window_ends) - anchor as elapsed, recipients, 0 as converted
    from counted
    union all
    select arm, least(%(at)s, window_ends) - anchor, -1, 0
    from buyer
    where converted_at is not null
    union all
    select arm, converted_at - anchor, 1, 1
    from buyer
    where converted_at is not null
), moment as (
    select arm, elapsed, sum(recipients) as recipients, sum(converted) as converted
    from watched
    group by arm, elapsed
), {ranked}
""").format(buyers=_BUYERS, ranked=_RANKED)

_COUNTED_TAKINGS: Final = sql.SQL("""{buyers}, part as (
    select arm, 0::numeric as brought, recipients from counted where window_ends <= %(at)s
    union all
    select arm, 0, -1 from buyer where window_ends <= %(at)s
    union all
    select arm, brought, 1 from buyer where window_ends <= %(at)s
)
select arm, brought, sum(recipients)::bigint
from part
group by arm, brought
having sum(recipients) > 0
""").format(buyers=_BUYERS)

_COUNTED_MONEY: Final = sql.SQL("""
select campaign, arm, window_ends <= %(at)s as mature, currency,
    count(*) as orders, count(*) filter (where kept) as kept, sum(net) as net
from huike.conversion_purchase
where day is not null and {stands}
group by campaign, arm, mature, currency
""").format(stands=_STANDS)

_COUNTED_TOUCHED: Final = sql.SQL("""
select currency, count(*) as orders, sum(net) as net
from huike.conversion_purchase
where last_touch and {stands}
group by currency
""").format(stands=_STANDS)

BY_COUNTS: Final = Figures(
    _COUNTED_GROUPS, _COUNTED_MONEY, _COUNTED_SPELLS, _COUNTED_TAKINGS, _COUNTED_TOUCHED
)
