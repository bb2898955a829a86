"""The SQL of the questions about campaigns: `at` the instant, `campaign` one of them or all."""

from typing import Final

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

SPELLS: Final = sql.SQL("""{outcomes}, watched as (
    select arm, bought_at is not null as converted,
        coalesce(bought_at, least(%(at)s, window_ends)) - anchor as elapsed
    from outcome
), moment as (
    select arm, elapsed, count(*) as recipients, count(*) filter (where converted) as converted
    from watched
    group by arm, elapsed
), ranked as (
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
group by arm, day, coalesce(gone, 0)
""").format(outcomes=OUTCOMES)

TAKINGS: Final = sql.SQL("""{outcomes}
select arm, brought, count(*)
from outcome
where mature
group by arm, brought
""").format(outcomes=OUTCOMES)

MONEY: Final = sql.SQL("""
select campaign, arm, window_ends <= %(at)s as mature, p.currency,
    count(*) as orders, count(*) filter (where kept) as kept, sum(p.net) as net
from huike.conversion_purchase p join huike.conversion_recipient r using (campaign, customer)
where (%(campaign)s::uuid is null or campaign = %(campaign)s) and assigned_at <= %(at)s
    and day is not null and since <= %(at)s and (until is null or until > %(at)s)
group by campaign, arm, mature, p.currency
""")

TOUCHED: Final = sql.SQL("""
select p.currency, count(*) as orders, sum(p.net) as net
from huike.conversion_purchase p join huike.conversion_recipient r using (campaign, customer)
where campaign = %(campaign)s and assigned_at <= %(at)s
    and last_touch and since <= %(at)s and (until is null or until > %(at)s)
group by p.currency
""")
