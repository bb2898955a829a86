-- An epoch tells when the last key of a refused event went that it had wrapped: a further one is due then.
set local role huike_owner;

alter table keeper.epoch add column purged_at timestamptz;
comment on column keeper.epoch.purged_at is 'When a key of a refused event that was wrapped under it was last deleted: nothing else is left of it.';

create function keeper.tell_purged() returns trigger
language plpgsql as $$
begin
  update keeper.epoch e set purged_at = clock_timestamp()
  where e.epoch in (select gone.epoch from gone);
  return null;
end $$;

create trigger tell_purged after delete on keeper.refused_key
  referencing old table as gone for each statement execute function keeper.tell_purged();

reset role;
