-- When what keeps the log safe was last done: backups, drills, seals.
set local role huike_owner;

create table log.upkeep (
  id        bigint generated always as identity primary key,
  what      text not null check (what in ('backup', 'drill', 'seal')),
  at        timestamptz not null default clock_timestamp(),
  position  bigint,
  failure   text
);
comment on table log.upkeep is 'What was done to keep the log safe, when, and up to which fact; failure: why it was not done.';
create index upkeep_what on log.upkeep (what, id);
grant select, insert on log.upkeep to huike_writer;

reset role;
