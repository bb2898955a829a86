-- The log: facts in order, what makes them once, who is who, and the keys they are sealed with.

do $$
declare
  name text;
begin
  foreach name in array array['huike_owner', 'huike_writer', 'huike_keeper', 'huike_views', 'huike_reader'] loop
    begin
      execute format('create role %I nologin', name);
    exception when duplicate_object or unique_violation then null;
    end;
    begin
      execute format('grant %I to current_user', name);
    exception when others then
      if not pg_has_role(current_user, name, 'member') then raise; end if;
    end;
  end loop;
end $$;

create schema log authorization huike_owner;
create schema keeper authorization huike_owner;
grant usage on schema log to huike_writer, huike_keeper;
grant usage on schema keeper to huike_keeper;

set local role huike_owner;

create table log.installation (
  one          boolean primary key default true check (one),
  incarnation  uuid not null default gen_random_uuid(),
  fingerprint  bytea,
  created_at   timestamptz not null default now()
);
insert into log.installation default values;
comment on table log.installation is 'Which log this is, and a digest of the secret that its ids were derived with.';

create table log.fact (
  position      bigint not null,
  stream        uuid not null,
  version       integer not null,
  type          text collate "C" not null,
  type_version  smallint not null,
  shop          text collate "C" not null,
  source        text collate "C" not null,
  origin        uuid,
  subject       uuid,
  occurred_at   timestamptz not null,
  recorded_at   timestamptz not null,
  actor_kind    text collate "C" not null,
  actor_id      text collate "C" not null,
  correlation   text collate "C" not null,
  causation     uuid,
  body          bytea not null,
  primary key (position)
) partition by range (position);
comment on table log.fact is 'What happened, in order; never changed. The columns, in this order, in the binary COPY format are the canonical bytes of the chain.';
create index fact_origin on log.fact (origin, position) where origin is not null;
create index fact_nobody on log.fact (position) where origin is null;
create index fact_stream on log.fact (stream, version) where type not like 'activity.%';

create table log.batch (
  position     bigint primary key,
  recorded_at  timestamptz not null,
  facts        integer not null,
  token        uuid not null,
  chain        bytea not null
);
comment on table log.batch is 'One row an append: its last position and SHA-256(previous chain, canonical bytes of its facts).';
create index batch_recorded on log.batch (recorded_at);

create table log.stream (
  id       uuid primary key,
  version  integer not null,
  origin   uuid,
  content  bytea
) with (fillfactor = 90);
comment on table log.stream is 'Each stream''s version and origin; of a message, the keyed digest of its content. Makes every message once.';

create table log.membership (
  identity  uuid not null,
  customer  uuid not null,
  since     bigint not null,
  until     bigint,
  primary key (identity, since)
);
comment on table log.membership is 'Which customer an identity belongs to, from which position to which; none: it is a customer itself.';
create index membership_customer on log.membership (customer, since);

create table log.redirect (
  anonymous  uuid not null,
  identity   uuid not null,
  since      bigint not null,
  until      bigint,
  primary key (anonymous, since)
);
comment on table log.redirect is 'The identity to which an anonymous id''s next events belong, from which position to which.';

create table log.original (
  position     bigint not null,
  recorded_at  timestamptz not null,
  origin       uuid,
  shop         text collate "C" not null,
  source       text collate "C" not null,
  sealed       bytea not null
) partition by range (recorded_at);
comment on table log.original is 'Each message as it was sent, sealed under its person''s key and the key of its month and source.';
create index original_position on log.original (position);

create table log.idempotency (
  key         bytea primary key,
  request     bytea not null,
  position    bigint,
  answer      bytea not null,
  created_at  timestamptz not null
);
comment on table log.idempotency is 'Commands'' keys, with the answer to give again.';

create table log.refused (
  id           uuid primary key default gen_random_uuid(),
  received_at  timestamptz not null default clock_timestamp(),
  shop         text not null,
  source       text not null,
  door         text not null,
  reason       text not null,
  detail       text not null,
  place        text,
  correlation  text not null default '',
  period       text not null,
  sealed       bytea not null,
  resent_at    timestamptz,
  outcome      text
);
comment on table log.refused is 'What was not taken, with the reason, sealed under the key of its period; can be sent again.';
create index refused_received on log.refused (received_at, id);

create table log.api_key (
  id            uuid primary key default gen_random_uuid(),
  name          text not null,
  prefix        text not null,
  hash          bytea not null unique,
  scopes        text[] not null,
  shop          text not null,
  source        text not null,
  system        boolean not null default false,
  currency      text not null default 'USD',
  created_at    timestamptz not null default clock_timestamp(),
  revoked_at    timestamptz,
  last_used_at  timestamptz
);
comment on table log.api_key is 'Keys of machines: what they may do and for which source of which shop; only a digest of the secret.';

create table log.job (
  id           uuid primary key default gen_random_uuid(),
  kind         text not null,
  asked        jsonb not null,
  asked_by     text not null,
  state        text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed')),
  progress     double precision not null default 0,
  answer       jsonb,
  error        text,
  created_at   timestamptz not null default clock_timestamp(),
  finished_at  timestamptz
);
comment on table log.job is 'Questions that take longer than a request.';

create table keeper.person_key (
  identity      uuid primary key,
  generation    smallint not null default 1,
  epoch         integer not null,
  wrapped       bytea,
  forgotten_at  timestamptz
);
comment on table keeper.person_key is 'The key of each identity, wrapped by an epoch key that is not in this database; none when forgotten.';

create table keeper.period_key (
  purpose  text not null,
  shop     text not null,
  source   text not null,
  period   text not null,
  epoch    integer not null,
  wrapped  bytea,
  primary key (purpose, shop, source, period)
);
comment on table keeper.period_key is 'Keys of a month of a source, wrapped: destroying one ends the retention of that month.';

create function log.slot(subject uuid, slots integer) returns integer
language sql immutable parallel safe strict
return (
  (get_byte(uuid_send(subject), 0)::bigint << 24) + (get_byte(uuid_send(subject), 1) << 16)
  + (get_byte(uuid_send(subject), 2) << 8) + get_byte(uuid_send(subject), 3)
) % slots;

create function log.ensure_room(head bigint, moment timestamptz) returns void
language plpgsql security definer set search_path = pg_catalog, log as $$
declare
  size constant bigint := 5000000;
  part bigint;
  month timestamptz;
  name text;
begin
  perform pg_advisory_xact_lock(4851102);
  for part in select generate_series(head / size, head / size + 1) loop
    name := 'fact_' || part;
    if to_regclass('log.' || name) is null then
      execute format('create table log.%I partition of log.fact for values from (%s) to (%s)',
                     name, part * size, (part + 1) * size);
    end if;
  end loop;
  for month in select generate_series(date_trunc('month', moment, 'UTC'),
                                      date_trunc('month', moment, 'UTC') + interval '2 months',
                                      interval '1 month') loop
    month := date_trunc('month', month, 'UTC');
    name := 'original_' || to_char(month at time zone 'UTC', 'YYYY_MM');
    if to_regclass('log.' || name) is null then
      execute format('create table log.%I partition of log.original for values from (%L) to (%L)',
                     name, month, date_trunc('month', month + interval '40 days', 'UTC'));
    end if;
  end loop;
end $$;

select log.ensure_room(0, now());

grant select on all tables in schema log to huike_writer;
grant insert on log.fact, log.batch, log.original to huike_writer;
grant insert, update on log.stream, log.membership, log.redirect, log.idempotency, log.refused,
  log.api_key, log.job, log.installation to huike_writer;
grant delete on log.job, log.idempotency to huike_writer;
revoke all on function log.ensure_room from public;
grant execute on function log.ensure_room to huike_writer;
grant select, insert, update on keeper.person_key, keeper.period_key to huike_keeper;

reset role;
