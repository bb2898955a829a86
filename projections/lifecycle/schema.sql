-- Where every customer stands in its life with the shop: stage and value tier, now and at any instant.

-- One customer, as of its last fact and its last move.
create table lifecycle (
    customer           uuid primary key,
    shop               text not null,
    stage              text not null,         -- visitor, prospect, idle prospect, new, won back, active, silent, lost
    stage_since        timestamptz not null,  -- when it came into this stage
    stage_cause        bigint,                -- position of the fact that moved it; null: time alone
    stage_before       text,                  -- the stage it came from; null: this is its first
    told_stage         text,                  -- the four columns above as they were at the last fact,
    told_since         timestamptz not null,  -- before time alone moved it on: from there a fact that
    told_cause         bigint,                -- happened before those moves takes it another way
    told_before        text,
    tier               text not null,         -- high, general, low, none: by `net`
    tier_since         timestamptz not null,
    tier_cause         bigint,
    tier_before        text not null,
    next_move_at       timestamptz,           -- when time alone moves it next; null: never
    heard_at           timestamptz not null,  -- its first fact of any kind
    heard_position     bigint not null,
    known_at           timestamptz,           -- since when known by more than an anonymous id
    known_position     bigint,
    first_purchase_at  timestamptz,           -- a purchase is an order paid, at its earliest payment
    last_purchase_at   timestamptz,
    won_back_at        timestamptz,           -- last purchase after a silence, by the policy in force
    purchases          integer not null,
    kept_purchases     integer not null,      -- neither cancelled nor wholly refunded
    net                numeric not null,      -- paid - refunded, in the currency of the policy
    nets               bytea not null,        -- JSON: the same by currency
    last_activity_at   timestamptz,           -- what the customer last did
    day_first_at       timestamptz,           -- what it first did on the day of last_activity_at (UTC)
    day_first_position bigint,
    slept              boolean not null,      -- silent for a while since its last purchase
    last_fact_at       timestamptz not null,  -- of the facts that count here
    named              uuid[] not null,       -- its identities that are more than anonymous ids
    policy             bigint not null        -- position of the newest policy it is told by; 0: none adopted
) with (fillfactor = 70);
create index on lifecycle (next_move_at);

-- One order of a customer, as far as stage and tier depend on it.
create table lifecycle_order (
    customer     uuid not null,
    order_id     uuid not null,
    purchased_at timestamptz,                 -- its earliest payment; null: not paid
    kept         boolean not null,            -- bought, and neither cancelled nor wholly refunded
    currency     text,
    net          numeric not null,            -- paid - refunded, in the order's currency
    told         bytea not null,              -- JSON: every report of a payment or refund, with its instant
    primary key (customer, order_id)
) with (fillfactor = 70);

-- One day (UTC) on which a customer did something.
create table lifecycle_day (
    customer       uuid not null,
    day            date not null,
    first_at       timestamptz not null,
    first_position bigint not null,           -- of the fact at first_at
    last_at        timestamptz not null,
    primary key (customer, day)
) with (fillfactor = 70);

-- One move of a customer from stage to stage, or from tier to tier.
create table lifecycle_move (
    customer  uuid not null,
    dimension text not null,                  -- stage, tier
    at        timestamptz not null,
    was       text,                           -- null: its first stage
    became    text not null,
    cause     bigint,                         -- position of the fact that moved it; null: time alone
    primary key (customer, dimension, at)
);
create index on lifecycle_move (at);

-- The policies that the shop adopted. Before the first: 30, 90, 180, 30 days; 2000 and 300 USD.
create table lifecycle_policy (
    policy            uuid not null,          -- the shop's policies, all of them
    position          bigint not null,        -- of the fact that adopted this one
    shop              text not null,
    adopted_at        timestamptz not null,   -- it holds from then until the next
    new_days          integer not null,
    silent_after_days integer not null,
    lost_after_days   integer not null,
    won_back_days     integer not null,
    high_value        numeric not null,
    general_value     numeric not null,
    currency          text not null,
    primary key (policy, position)
);
