-- Where every customer stands in its life with the shop: stage and value tier, now and at any instant.

-- One customer, as of its last fact and its last move.
create table lifecycle (
    customer           uuid primary key,      -- the customer's id; the same in every table
    shop               text not null,         -- whose customer it is, and by whose policies it is told
    stage              text not null,         -- visitor, prospect, idle prospect, new, won back, active, silent, lost
    stage_since        timestamptz not null,  -- when it came into this stage
    stage_cause        bigint,                -- position of the fact that moved it; null: time alone
    stage_before       text,                  -- the stage it came from; null: this is its first
    told_stage         text,                  -- the stage at the last fact, before time alone moved it on
    told_since         timestamptz not null,  -- since when it was that stage
    told_cause         bigint,                -- the fact that had moved it to that stage
    told_before        text,                  -- the stage before that one
    tier               text not null,         -- high, general, low, none: by `net`
    tier_since         timestamptz not null,  -- when it came into this tier
    tier_cause         bigint,                -- position of the fact that moved it; null: time alone
    tier_before        text not null,         -- the tier it came from
    next_move_at       timestamptz,           -- when time alone moves it next; null: never
    heard_at           timestamptz not null,  -- its first fact of any kind
    heard_position     bigint not null,       -- of the fact at heard_at
    known_at           timestamptz,           -- since when known by more than an anonymous id
    known_position     bigint,                -- of the fact at known_at
    first_purchase_at  timestamptz,           -- a purchase is an order paid, at its earliest payment
    last_purchase_at   timestamptz,           -- its last purchase
    won_back_at        timestamptz,           -- last purchase after a silence, by the policy in force
    purchases          integer not null,      -- how many; refunds do not lower it
    kept_purchases     integer not null,      -- neither cancelled nor wholly refunded
    net                numeric not null,      -- paid - refunded, in the currency of the policy
    nets               bytea not null,        -- JSON: the same by currency
    orders             integer not null,      -- orders placed, in all currencies
    dealt              bytea,                 -- JSON: when the customer first dealt in money, position of the fact, the currency; null: not yet
    own_net            numeric not null,      -- paid - refunded, in that currency
    last_activity_at   timestamptz,           -- what the customer last did
    day_first_at       timestamptz,           -- what it first did on the day of last_activity_at (UTC)
    day_first_position bigint,                -- of the fact at day_first_at
    silence            bigint not null,       -- longest time without activity since its last purchase, in microseconds; 0: a day at most
    silences           bytea not null,        -- JSON: purchases after more than a day's silence, and how long it was; no later one had a longer
    last_fact_at       timestamptz not null,  -- of the facts that count here
    named              uuid[] not null,       -- its identities that are more than anonymous ids
    policy             bigint not null,       -- position of the newest policy when it last changed; 0: none adopted
    next_move_hour     timestamptz generated always as (date_bin('1 hour', next_move_at, 'epoch')) stored, -- the hour of next_move_at, which changes less often
    last_activity_hour timestamptz generated always as (date_bin('1 hour', last_activity_at, 'epoch')) stored -- the hour of last_activity_at
) with (fillfactor = 70);
create index on lifecycle (next_move_hour);
-- Lists of a stage and a tier, in each order. None holds an instant that changes with every event, so that rows
-- change in place: `projections/profile/lists.py` sorts within the hour of the last activity.
create index on lifecycle (stage, tier, own_net, customer);
create index on lifecycle (stage, tier, orders, customer);
create index on lifecycle (stage, tier, heard_at, customer);
create index on lifecycle (stage, tier, last_activity_hour, heard_at, customer);

-- One order of a customer, as far as stage and tier depend on it.
create table lifecycle_order (
    customer     uuid not null,               -- whose order it is
    order_id     uuid not null,               -- the order's id
    purchased_at timestamptz,                 -- its earliest payment; null: not paid
    kept         boolean not null,            -- bought, and neither cancelled nor wholly refunded
    currency     text,                        -- the order's currency; null: not yet told
    net          numeric not null,            -- paid - refunded, in the order's currency
    told         bytea not null,              -- JSON: when it was placed, and every report of a payment or refund
    primary key (customer, order_id)
) with (fillfactor = 70);

-- One day (UTC) on which a customer did something.
create table lifecycle_day (
    customer       uuid not null,             -- who did something
    day            date not null,             -- the day
    first_at       timestamptz not null,      -- the first thing on that day
    first_position bigint not null,           -- of the fact at first_at
    last_at        timestamptz not null,      -- the last thing on that day
    primary key (customer, day)
) with (fillfactor = 70);

-- One move of a customer from stage to stage, or from tier to tier.
create table lifecycle_move (
    customer  uuid not null,                  -- who moved
    dimension text not null,                  -- stage, tier
    at        timestamptz not null,           -- when
    was       text,                           -- null: its first stage
    became    text not null,                  -- where it moved to
    cause     bigint,                         -- position of the fact that moved it; null: time alone
    primary key (customer, dimension, at)
);
create index on lifecycle_move (at);

-- The policies that the shop adopted. Before the first: 30, 90, 180, 30 days; 2000 and 300 USD.
create table lifecycle_policy (
    policy            uuid not null,          -- the shop's policies, all of them
    position          bigint not null,        -- of the fact that adopted this one
    shop              text not null,          -- whose policy it is
    adopted_at        timestamptz not null,   -- it holds from then until the next
    new_days          integer not null,       -- new until so many days after the first purchase
    silent_after_days integer not null,       -- silent after so many days without activity
    lost_after_days   integer not null,       -- lost after so many
    won_back_days     integer not null,       -- won back for so many days after the purchase
    high_value        numeric not null,       -- tier high from this net value on
    general_value     numeric not null,       -- tier general from this one on
    currency          text not null,          -- of the two values
    primary key (policy, position)
);
