-- The next partitions are made apart and attached: who reads the log, a backup say, waits for nobody.
set local role huike_owner;

create or replace function log.ensure_room(head bigint, moment timestamptz) returns void
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
      execute format('create table log.%I (like log.fact including all)', name);
      execute format('alter table log.fact attach partition log.%I for values from (%s) to (%s)',
                     name, part * size, (part + 1) * size);
    end if;
  end loop;
  for month in select generate_series(date_trunc('month', moment, 'UTC'),
                                      date_trunc('month', moment, 'UTC') + interval '2 months',
                                      interval '1 month') loop
    month := date_trunc('month', month, 'UTC');
    name := 'original_' || to_char(month at time zone 'UTC', 'YYYY_MM');
    if to_regclass('log.' || name) is null then
      execute format('create table log.%I (like log.original including all)', name);
      execute format('alter table log.original attach partition log.%I '
                     'for values from (%L) to (%L)',
                     name, month, date_trunc('month', month + interval '40 days', 'UTC'));
    end if;
  end loop;
end $$;

reset role;
