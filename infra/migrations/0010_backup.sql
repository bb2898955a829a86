-- Which log this one was before it was restored: positions up to there mean the same facts.
set local role huike_owner;

create table log.ancestor (
  incarnation  uuid primary key,
  position     bigint not null,
  restored_at  timestamptz not null default clock_timestamp()
);
comment on table log.ancestor is 'The logs that this one was: the facts up to position are theirs, what they recorded after it is lost to this one.';
grant select on log.ancestor to huike_writer;

reset role;
