-- What the views' runtime keeps beside the views' own tables.

create schema if not exists views authorization huike_views;
create schema if not exists huike authorization huike_views;
grant usage on schema huike to huike_reader;

set local role huike_views;

create table if not exists views.active (
  view        text primary key,
  version     integer not null,
  generation  integer not null,
  schema      text not null,
  since       timestamptz not null default clock_timestamp()
);
comment on table views.active is 'Which version of each view is served, and which of its generations.';

create table if not exists views.checkpoint (
  view        text not null,
  version     integer not null,
  generation  integer not null,
  slot        integer not null,
  position    bigint not null,
  clock       timestamptz not null,
  shared      bytea,
  walked      uuid,
  primary key (view, version, generation, slot)
) with (fillfactor = 50);
comment on table views.checkpoint is 'How far each slot of a view has come: every fact up to position is in its rows, and later ones are recorded after clock. walked: the last subject of a walk over all rows that goes on.';

create table if not exists views.lease (
  slot    integer primary key,
  worker  text not null,
  until   timestamptz not null
) with (fillfactor = 50);
comment on table views.lease is 'Which worker keeps a slot live, without Kafka.';

create table if not exists views.worker (
  worker  text primary key,
  until   timestamptz not null
) with (fillfactor = 50);
comment on table views.worker is 'Workers that share the slots.';

create table if not exists views.trouble (
  view      text not null,
  version   integer not null,
  slot      integer not null,
  position  bigint,
  subject   uuid,
  type      text,
  why       text not null,
  at        timestamptz not null default clock_timestamp(),
  primary key (view, slot)
);
comment on table views.trouble is 'Where a view stopped and why: the fact that it cannot fold (none: the passing of time).';

create table if not exists views.rebuild (
  view        text primary key,
  version     integer not null,
  generation  integer not null,
  schema      text not null,
  state       text not null,
  position    bigint not null default 0,
  facts       bigint not null default 0,
  total       bigint not null default 0,
  started_at  timestamptz not null default clock_timestamp(),
  changed_at  timestamptz not null default clock_timestamp(),
  differences jsonb
);
comment on table views.rebuild is 'The latest rebuild of each view, and how far it has come.';

create or replace function views.slot_of(subject uuid, slots integer) returns integer
language sql immutable parallel safe strict
return (('x' || left(subject::text, 8))::bit(32)::bigint % slots)::integer;

create or replace function views.advance(
  the_view text, the_version integer, the_generation integer, serving boolean,
  slots integer[], was bigint[], was_clock timestamptz[],
  now_at bigint[], now_clock timestamptz[], now_shared bytea[]
) returns void
language plpgsql as $$
declare
  moved integer;
begin
  if serving then
    perform from views.active
    where (view, version, generation) = (the_view, the_version, the_generation) for share;
    if not found then
      raise serialization_failure using message = 'another generation is served';
    end if;
  end if;
  update views.checkpoint c
  set position = m.position, clock = m.clock, shared = coalesce(m.shared, c.shared)
  from unnest(slots, was, was_clock, now_at, now_clock, now_shared)
    as m(slot, was, was_clock, position, clock, shared)
  where (c.view, c.version, c.generation) = (the_view, the_version, the_generation)
    and c.slot = m.slot and c.position = m.was and c.clock = m.was_clock;
  get diagnostics moved = row_count;
  if moved <> cardinality(slots) then
    raise serialization_failure using message = 'somebody else moved these slots';
  end if;
end
$$;
comment on function views.advance is 'Moves the checkpoints of slots that are where they were taken to be, of a generation that is (serving) still served; fails otherwise.';

create or replace view huike.checkpoint as
select c.view, c.version, c.slot, c.position, c.clock, c.walked
from views.checkpoint c join views.active a using (view, version, generation);
comment on view huike.checkpoint is 'How far each slot of each served view has come in the log, and its clock. walked: how far a walk over all rows has come that began when what they share changed; null: none goes on.';

create or replace view huike.freshness as
select view, version, min(position) as position, min(clock) as clock, count(*) as slots
from huike.checkpoint group by view, version;
comment on view huike.freshness is 'The position and the instant up to which every row of a view is right.';

create or replace view huike.trouble as
select view, version, slot, position, type, at from views.trouble;
comment on view huike.trouble is 'Slots that stand still: before which fact of which type, and since when.';

grant select on huike.checkpoint, huike.freshness, huike.trouble to huike_reader;

reset role;
