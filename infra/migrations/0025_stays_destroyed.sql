-- A key that was destroyed stays so: who may write keys may not put one back in its place.
set local role huike_owner;

create function keeper.stays_destroyed() returns trigger
language plpgsql as $$
begin
  if not pg_has_role(current_user, 'huike_owner', 'usage') then
    raise exception 'A key that was destroyed stays destroyed.' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;

create trigger stays_destroyed before update on keeper.person_key
  for each row when (old.wrapped is null and new.wrapped is not null)
  execute function keeper.stays_destroyed();
create trigger stays_destroyed before update on keeper.period_key
  for each row when (old.wrapped is null and new.wrapped is not null)
  execute function keeper.stays_destroyed();

reset role;
