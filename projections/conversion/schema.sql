-- What campaigns brought. Asked about an instant T: recipients with assigned_at <= T, steps of the
-- funnel at or before T, and purchases with since <= T and (until is null or until > T).

-- One campaign, as a marketer drafted and launched it.
create table campaign (
    campaign      uuid primary key,
    code          text,                          -- the shop's own id of it
    name          text,
    channel       text,                          -- email, sms, push …
    goal_product  text,                          -- counts as converted: a purchase of this product
    goal_category text,                          -- … or of this category; neither: any purchase
    simulated     boolean not null,              -- its recipients are made up
    status        text not null,                 -- drafted, running, ended
    drafted_at    timestamptz,
    launched_at   timestamptz,
    ended_at      timestamptz,
    control_share numeric,                       -- share of the control group, 0 to below 1
    seed          bigint,                        -- of the draw of the arms
    window_days   integer                        -- days from the anchor in which a purchase counts
) with (fillfactor = 70);

-- How far a customer's payments and its campaigns' windows reach, so that they are only compared
-- where they meet.
create table conversion_customer (
    customer      uuid primary key,
    last_paid_at  timestamptz,                   -- its last payment
    watched_until timestamptz                    -- purchases before this may count for a campaign
) with (fillfactor = 70);

-- One customer in one campaign, once. Nobody is a recipient whose arm is null: messages of the
-- campaign were reported, an assignment was not (yet).
create table conversion_recipient (
    customer              uuid not null,
    campaign              uuid not null,
    arm                   text,                  -- treated, control
    anchor                timestamptz,           -- the scheduled send instant: time counts from it
    window_days           integer,
    window_ends           timestamptz,           -- anchor + window_days; mature from then on
    goal_product          text,
    goal_category         text,
    assigned_at           timestamptz,           -- when it was (first) drawn
    position              bigint,                -- of the assignment that counts, in the log
    both_arms             boolean not null,      -- two recipients in one: one treated, one control
    sends                 bytea not null,        -- JSON: every instant at which a message was sent
    sent_at               timestamptz,           -- this and the following: the first instant of it
    delivered_at          timestamptz,
    opened_at             timestamptz,
    clicked_by_person_at  timestamptz,
    clicked_by_scanner_at timestamptz,
    bounced_at            timestamptz,
    failed_at             timestamptz,
    complained_at         timestamptz,
    redeemed_at           timestamptz,           -- a coupon of the campaign was used
    converted_at          timestamptz,           -- first purchase in the window that meets the goal
    converted_day         integer,               -- on which day of the window, from 1
    orders                integer not null,      -- purchased in the window, whatever the goal
    currency              text,                  -- of most of these orders
    net                   numeric,               -- of these orders in that currency: paid - refunded
    primary key (customer, campaign)
) with (fillfactor = 70);
create index on conversion_recipient (campaign);

-- One order, as far as conversion needs it.
create table conversion_order (
    customer     uuid not null,
    order_id     uuid not null,
    purchased_at timestamptz,                    -- its earliest payment; null: not paid
    told         bytea not null,                 -- JSON: every report of its money and its lines
    primary key (customer, order_id)
) with (fillfactor = 70);

-- One purchase in one campaign, in whose window it falls or whose message was its last touch, as it
-- stood from one instant (since) until another.
create table conversion_purchase (
    customer     uuid not null,
    campaign     uuid not null,
    order_id     uuid not null,
    since        timestamptz not null,           -- from the first payment on
    until        timestamptz,                    -- null: it stands so now
    purchased_at timestamptz not null,
    day          integer,                        -- day of the recipient's window; null: outside it
    meets_goal   boolean not null,               -- it falls in the window and converts
    last_touch   boolean not null,               -- the campaign's message was the last before it
    kept         boolean not null,               -- neither cancelled nor wholly refunded
    currency     text not null,
    net          numeric not null,               -- paid - refunded in that currency
    primary key (customer, campaign, order_id, since)
);
create index on conversion_purchase (campaign);
