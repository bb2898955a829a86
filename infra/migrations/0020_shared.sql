-- What all views share (a campaign, a policy) is found without reading past what those did whom nobody knows any more.
set local role huike_owner;

create index fact_shared on only log.fact (position) where origin is null and type not like 'activity.%';

create function log.index_shared() returns bigint
language plpgsql set search_path = pg_catalog, log, pg_temp as $$
declare
  part text;
  lacking bigint;
begin
  select c.relname, count(*) over () into part, lacking
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'log.fact'::regclass and not exists (
    select from pg_index x join pg_inherits a on a.inhrelid = x.indexrelid
    where x.indrelid = c.oid and a.inhparent = 'log.fact_shared'::regclass)
  order by substr(c.relname, 6)::bigint desc limit 1;
  if part is not null then
    execute format('create index %I on log.%I (position) '
                   'where origin is null and type not like ''activity.%%''', part || '_shared', part);
    execute format('alter index log.fact_shared attach partition log.%I', part || '_shared');
    lacking := lacking - 1;
  end if;
  if coalesce(lacking, 0) = 0 then
    drop index if exists log.fact_nobody;
    return 0;
  end if;
  return lacking;
end $$;
comment on function log.index_shared is 'Indexes the newest partition that lacks fact_shared; returns how many do then. With none, fact_nobody goes.';
revoke all on function log.index_shared from public;

-- The partition that is written and the next: whoever has more goes on while Huike runs.
select log.index_shared(), log.index_shared();

reset role;
