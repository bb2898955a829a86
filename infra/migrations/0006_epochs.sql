-- Epochs: what everybody's keys are wrapped by changes, and nobody is wrapped by what was replaced.

set local role huike_owner;

create table keeper.epoch (
  epoch       integer primary key,
  begun_at    timestamptz not null default clock_timestamp(),
  renewed_at  timestamptz,
  ended_at    timestamptz
);
comment on table keeper.epoch is 'The epochs: when each began, when all keys were wrapped under it, and when its key was destroyed.';
insert into keeper.epoch (epoch, begun_at, renewed_at)
select 1, created_at, created_at from log.installation;

create index person_key_forgotten on keeper.person_key (forgotten_at) where forgotten_at is not null;

-- After the statement, when its lock is held: the epoch that is then current stays so until it commits.
create function keeper.refuse_ended_epoch() returns trigger
language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(4851104);
  if exists (select from made where made.epoch < (select max(epoch) from keeper.epoch)) then
    raise exception using errcode = 'HK001', message = 'a key was wrapped under an epoch that ended';
  end if;
  return null;
end $$;

create trigger refuse_ended_epoch after insert on keeper.person_key
  referencing new table as made for each statement execute function keeper.refuse_ended_epoch();
create trigger refuse_ended_epoch after insert on keeper.period_key
  referencing new table as made for each statement execute function keeper.refuse_ended_epoch();

grant select, insert, update on keeper.epoch to huike_keeper;

reset role;
