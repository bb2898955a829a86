-- Retention: when a month's key was destroyed, and what is certified of it.
set local role huike_owner;

alter table keeper.period_key add column destroyed_at timestamptz;

create table log.retention (
  id           bigint generated always as identity primary key,
  at           timestamptz not null default clock_timestamp(),
  certificate  bytea not null
);
comment on table log.retention is 'What was made unreadable because its time was over, each time with a signed certificate.';
grant select on log.retention to huike_writer;

reset role;
