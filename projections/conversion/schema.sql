-- What campaigns brought. Asked about an instant T: recipients with assigned_at <= T, steps of the
-- funnel at or before T, purchases with since <= T and (until is null or until > T).

create table campaign (
    campaign      uuid primary key,
    code          text,
    name          text,
    channel       text,
    goal_product  text,
    goal_category text,
    simulated     boolean not null,
    status        text not null,
    drafted_at    timestamptz,
    launched_at   timestamptz,
    ended_at      timestamptz,
    control_share numeric,
    seed          bigint,
    window_days   integer
) with (fillfactor = 70);
comment on table campaign is 'One campaign, as a marketer drafted and launched it.';
comment on column campaign.campaign is 'The campaign''s id; the same in every table.';
comment on column campaign.code is 'The shop''s own id of it.';
comment on column campaign.name is 'Its name.';
comment on column campaign.channel is 'email, sms, push …';
comment on column campaign.goal_product is 'Converted by a purchase that holds this product; null: by any.';
comment on column campaign.goal_category is 'Converted by a purchase that holds this category; null: by any.';
comment on column campaign.simulated is 'Its recipients are made up.';
comment on column campaign.status is 'drafted, running or ended.';
comment on column campaign.drafted_at is 'When it was drafted, in UTC as every instant.';
comment on column campaign.launched_at is 'When it began.';
comment on column campaign.ended_at is 'Since when nobody is assigned to it any more.';
comment on column campaign.control_share is 'Share of the control group: 0 to below 1.';
comment on column campaign.seed is 'Seed of the draw of the arms.';
comment on column campaign.window_days is 'Days from a recipient''s anchor in which a purchase counts.';

create table conversion_customer (
    customer      uuid primary key,
    last_paid_at  timestamptz,
    watched_until timestamptz
) with (fillfactor = 70);
comment on table conversion_customer is 'How far a customer''s payments and its campaigns'' windows reach, so that they are only compared where they meet.';
comment on column conversion_customer.customer is 'The customer''s id; the same in every table.';
comment on column conversion_customer.last_paid_at is 'Its last payment; null: it never paid.';
comment on column conversion_customer.watched_until is 'Only what it bought before this may count for a campaign; null: nothing may.';

create table conversion_recipient (
    customer              uuid not null,
    campaign              uuid not null,
    arm                   text,
    anchor                timestamptz,
    window_days           integer,
    window_ends           timestamptz,
    goal_product          text,
    goal_category         text,
    assigned_at           timestamptz,
    position              bigint,
    both_arms             boolean not null,
    sends                 timestamptz[] not null,
    sent_at               timestamptz,
    delivered_at          timestamptz,
    opened_at             timestamptz,
    clicked_by_person_at  timestamptz,
    clicked_by_scanner_at timestamptz,
    bounced_at            timestamptz,
    failed_at             timestamptz,
    complained_at         timestamptz,
    redeemed_at           timestamptz,
    converted_at          timestamptz,
    converted_day         integer,
    orders                integer not null,
    currency              text,
    net                   numeric,
    primary key (customer, campaign)
) with (fillfactor = 70);
create index on conversion_recipient (campaign);
comment on table conversion_recipient is 'One customer in one campaign, once.';
comment on column conversion_recipient.customer is 'The recipient.';
comment on column conversion_recipient.campaign is 'What it is a recipient of.';
comment on column conversion_recipient.arm is 'treated or control; null: messages were reported, but no assignment was: not a recipient.';
comment on column conversion_recipient.anchor is 'The scheduled send instant; time counts from it, whether or not a message went out.';
comment on column conversion_recipient.window_days is 'Days from the anchor in which a purchase counts.';
comment on column conversion_recipient.window_ends is 'anchor + window_days; the recipient is mature from then on.';
comment on column conversion_recipient.goal_product is 'What converts it: a purchase that holds this product; null: any.';
comment on column conversion_recipient.goal_category is 'What converts it: a purchase that holds this category; null: any.';
comment on column conversion_recipient.assigned_at is 'When it was drawn; the first time, if it turned out to be two recipients.';
comment on column conversion_recipient.position is 'Position in the log of the assignment that counts.';
comment on column conversion_recipient.both_arms is 'It turned out to be two recipients, one in each arm; the earlier assignment counts.';
comment on column conversion_recipient.sends is 'Every instant at which a message was sent to it.';
comment on column conversion_recipient.sent_at is 'The first message sent.';
comment on column conversion_recipient.delivered_at is 'The first delivery.';
comment on column conversion_recipient.opened_at is 'The first opening, by somebody or something.';
comment on column conversion_recipient.clicked_by_person_at is 'The first click that its evidence does not speak against.';
comment on column conversion_recipient.clicked_by_scanner_at is 'The first click judged a machine''s.';
comment on column conversion_recipient.bounced_at is 'The first bounce.';
comment on column conversion_recipient.failed_at is 'The first failure to send.';
comment on column conversion_recipient.complained_at is 'The first complaint.';
comment on column conversion_recipient.redeemed_at is 'The first use of a coupon of the campaign.';
comment on column conversion_recipient.converted_at is 'The first purchase in the window that meets the goal.';
comment on column conversion_recipient.converted_day is 'On which day of the window that was, from 1.';
comment on column conversion_recipient.orders is 'Orders purchased in the window, whatever the goal, in all currencies.';
comment on column conversion_recipient.currency is 'The currency of most of these orders; of equals the first by name.';
comment on column conversion_recipient.net is 'Paid less refunded of these orders, in that currency.';

create table conversion_order (
    customer     uuid not null,
    order_id     uuid not null,
    purchased_at timestamptz,
    told         bytea not null,
    primary key (customer, order_id)
) with (fillfactor = 70);
comment on table conversion_order is 'One order, as far as conversion needs it.';
comment on column conversion_order.customer is 'Whose order it is.';
comment on column conversion_order.order_id is 'The order''s id.';
comment on column conversion_order.purchased_at is 'Its earliest payment; null: not paid.';
comment on column conversion_order.told is 'JSON: every report of its money and its lines.';

create table conversion_purchase (
    customer     uuid not null,
    campaign     uuid not null,
    order_id     uuid not null,
    since        timestamptz not null,
    until        timestamptz,
    purchased_at timestamptz not null,
    day          integer,
    meets_goal   boolean not null,
    last_touch   boolean not null,
    kept         boolean not null,
    currency     text not null,
    net          numeric not null,
    arm          text not null,
    anchor       timestamptz not null,
    window_ends  timestamptz not null,
    primary key (customer, campaign, order_id, since)
);
create index on conversion_purchase (campaign);
comment on table conversion_purchase is 'One purchase in one campaign, in whose window it falls or whose message was its last touch, as it stood from one instant (since) until another.';
comment on column conversion_purchase.customer is 'Who bought.';
comment on column conversion_purchase.campaign is 'For which campaign this row counts.';
comment on column conversion_purchase.order_id is 'The order.';
comment on column conversion_purchase.since is 'From when on it stood so; first, its purchase.';
comment on column conversion_purchase.until is 'Until when; null: it stands so now.';
comment on column conversion_purchase.purchased_at is 'Its earliest payment.';
comment on column conversion_purchase.day is 'Day of the recipient''s window, from 1; null: outside the window, a last touch alone.';
comment on column conversion_purchase.meets_goal is 'It falls in the window and holds what the campaign is for.';
comment on column conversion_purchase.last_touch is 'This campaign''s message was the latest sent within seven days before it.';
comment on column conversion_purchase.kept is 'Neither cancelled nor wholly refunded.';
comment on column conversion_purchase.currency is 'The order''s currency.';
comment on column conversion_purchase.net is 'Paid less refunded in that currency.';
comment on column conversion_purchase.arm is 'The recipient''s arm.';
comment on column conversion_purchase.anchor is 'The recipient''s anchor.';
comment on column conversion_purchase.window_ends is 'When the recipient''s window ends.';

create table conversion_count (
    campaign           uuid not null,
    part               smallint not null,
    arm                text not null,
    anchor             timestamptz not null,
    window_ends        timestamptz not null,
    recipients         bigint not null,
    both_arms          bigint not null,
    sent               bigint not null,
    delivered          bigint not null,
    opened             bigint not null,
    clicked_by_person  bigint not null,
    clicked_by_scanner bigint not null,
    bounced            bigint not null,
    failed             bigint not null,
    complained         bigint not null,
    redeemed           bigint not null,
    last_at            timestamptz not null,
    primary key (campaign, part, arm, anchor, window_ends)
) with (fillfactor = 50);
comment on table conversion_count is 'How many recipients of a campaign have one anchor in one arm, and how far they came, in 64 parts to be summed: kept by triggers, in the transaction that changes the recipients.';
comment on column conversion_count.campaign is 'The campaign.';
comment on column conversion_count.part is 'First four bytes of the customer''s id, modulo 64: slots are counted apart.';
comment on column conversion_count.arm is 'treated or control.';
comment on column conversion_count.anchor is 'The recipients'' anchor.';
comment on column conversion_count.window_ends is 'When their window ends.';
comment on column conversion_count.recipients is 'How many they are; 0: they are others by now.';
comment on column conversion_count.both_arms is 'How many turned out to be two, one in each arm.';
comment on column conversion_count.sent is 'To how many a message was sent.';
comment on column conversion_count.delivered is 'To how many one was delivered.';
comment on column conversion_count.opened is 'How many opened one.';
comment on column conversion_count.clicked_by_person is 'How many clicked.';
comment on column conversion_count.clicked_by_scanner is 'For how many a machine clicked.';
comment on column conversion_count.bounced is 'For how many one bounced.';
comment on column conversion_count.failed is 'For how many sending failed.';
comment on column conversion_count.complained is 'How many complained.';
comment on column conversion_count.redeemed is 'How many used a coupon.';
comment on column conversion_count.last_at is 'Nothing that is counted here occurred later: asked about an earlier instant, recipients are counted one by one.';

-- What the counts must be: everything but last_at.
create view conversion_counted as
select campaign, (('x' || left(customer::text, 8))::bit(32)::bigint % 64)::smallint as part,
    arm, anchor, window_ends, count(*) as recipients,
    count(*) filter (where both_arms) as both_arms, count(sent_at) as sent,
    count(delivered_at) as delivered, count(opened_at) as opened,
    count(clicked_by_person_at) as clicked_by_person,
    count(clicked_by_scanner_at) as clicked_by_scanner, count(bounced_at) as bounced,
    count(failed_at) as failed, count(complained_at) as complained, count(redeemed_at) as redeemed
from conversion_recipient where arm is not null group by 1, 2, 3, 4, 5;

create view conversion_miscounted as
with kept as (
    select campaign, part, arm, anchor, window_ends, recipients, both_arms, sent, delivered, opened,
        clicked_by_person, clicked_by_scanner, bounced, failed, complained, redeemed
    from conversion_count
    where (recipients, both_arms, sent, delivered, opened, clicked_by_person, clicked_by_scanner,
        bounced, failed, complained, redeemed) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
)
select campaign as subject, array[part::text, arm, anchor::text, window_ends::text] as key,
    to_jsonb(k) as kept, to_jsonb(c) as counted
from kept k full join conversion_counted c using (campaign, part, arm, anchor, window_ends)
where to_jsonb(k) is distinct from to_jsonb(c);

create function conversion_counts() returns trigger language plpgsql as $$
declare
    changed text := concat_ws(' union all ',
        case when tg_op <> 'DELETE' then 'select 1 as one, n.* from now_so n' end,
        case when tg_op <> 'INSERT' then 'select -1 as one, w.* from was_so w' end);
begin
    execute format($sql$
insert into %1$I.conversion_count as c
select campaign, (('x' || left(customer::text, 8))::bit(32)::bigint %% 64)::smallint as part,
    arm, anchor, window_ends, sum(one) as recipients,
    coalesce(sum(one) filter (where both_arms), 0),
    coalesce(sum(one) filter (where sent_at is not null), 0),
    coalesce(sum(one) filter (where delivered_at is not null), 0),
    coalesce(sum(one) filter (where opened_at is not null), 0),
    coalesce(sum(one) filter (where clicked_by_person_at is not null), 0),
    coalesce(sum(one) filter (where clicked_by_scanner_at is not null), 0),
    coalesce(sum(one) filter (where bounced_at is not null), 0),
    coalesce(sum(one) filter (where failed_at is not null), 0),
    coalesce(sum(one) filter (where complained_at is not null), 0),
    coalesce(sum(one) filter (where redeemed_at is not null), 0),
    max(greatest(assigned_at, sent_at, delivered_at, opened_at, clicked_by_person_at,
        clicked_by_scanner_at, bounced_at, failed_at, complained_at, redeemed_at))
from (%2$s) changed
where arm is not null
group by campaign, part, arm, anchor, window_ends
order by campaign, part, arm, anchor, window_ends
on conflict (campaign, part, arm, anchor, window_ends) do update set
    recipients = c.recipients + excluded.recipients,
    both_arms = c.both_arms + excluded.both_arms,
    sent = c.sent + excluded.sent,
    delivered = c.delivered + excluded.delivered,
    opened = c.opened + excluded.opened,
    clicked_by_person = c.clicked_by_person + excluded.clicked_by_person,
    clicked_by_scanner = c.clicked_by_scanner + excluded.clicked_by_scanner,
    bounced = c.bounced + excluded.bounced,
    failed = c.failed + excluded.failed,
    complained = c.complained + excluded.complained,
    redeemed = c.redeemed + excluded.redeemed,
    last_at = greatest(c.last_at, excluded.last_at)
$sql$, tg_table_schema, changed);
    return null;
end
$$;
create trigger counts_new after insert on conversion_recipient
    referencing new table as now_so for each statement execute function conversion_counts();
create trigger counts_changed after update on conversion_recipient
    referencing old table as was_so new table as now_so
    for each statement execute function conversion_counts();
create trigger counts_gone after delete on conversion_recipient
    referencing old table as was_so for each statement execute function conversion_counts();
