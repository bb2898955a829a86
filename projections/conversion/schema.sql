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
