-- How far the relay has come: one row, moved after the broker has taken what it stands for.
set local role huike_owner;

create table log.relay (
  one       boolean primary key default true check (one),
  position  bigint not null,
  previous  bigint[] not null,
  moved_at  timestamptz not null default clock_timestamp()
);
comment on table log.relay is 'The last position that Kafka has taken for certain, and the last one of each slot.';
grant select, insert, update on log.relay to huike_writer;

reset role;
