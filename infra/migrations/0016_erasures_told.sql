-- What the facts tell of erasures and holds is written by a function of the owner's: nobody writes it by hand.
set local role huike_owner;

alter table log.erasure add column digest text;
comment on column log.erasure.digest is 'SHA-256 of the certificate, as customer.erasure-certified says it.';
update log.erasure e set digest = convert_from(f.body, 'UTF8')::jsonb ->> 'digest'
from log.fact f
where e.state = 'certified' and f.stream = e.customer and f.type = 'customer.erasure-certified'
  and f.type not like 'activity.%' and convert_from(f.body, 'UTF8')::jsonb ->> 'erasure' = e.erasure::text;

create function log.follow_erasures() returns bigint
language plpgsql security definer set search_path = pg_catalog, log, pg_temp as $$
declare
  chunk constant bigint := 500000;
  after bigint;
  head bigint;
  upto bigint;
  told record;
  body jsonb;
  asked uuid;
  owner uuid;
begin
  select max(position) into head from log.batch;
  select position into after from log.erasure_cursor;
  if coalesce(head, 0) <= after then
    return 0;
  end if;
  select position into after from log.erasure_cursor for update;
  upto := least(head, after + chunk);
  for told in
    select f.position, f.type, f.body, f.subject, f.shop, f.recorded_at from log.fact f
    where f.position > after and f.position <= upto and f.type in (
      'customer.erasure-requested', 'customer.erasure-cancelled', 'customer.erasure-begun',
      'customer.erased', 'customer.erasure-certified',
      'customer.legal-hold-placed', 'customer.legal-hold-lifted')
    order by f.position
  loop
    body := convert_from(told.body, 'UTF8')::jsonb;
    asked := (body ->> 'erasure')::uuid;
    case told.type
    when 'customer.erasure-requested' then
      insert into log.erasure (erasure, customer, shop, asked_by, requested_at, due_at)
      values (asked, told.subject, told.shop, body ->> 'by', told.recorded_at,
              (body ->> 'due_at')::timestamptz)
      on conflict do nothing;
    when 'customer.erasure-cancelled' then
      update log.erasure set state = 'cancelled' where erasure = asked and state = 'waiting';
    when 'customer.erasure-begun' then
      update log.erasure set state = 'erasing', waits_for = '{}',
        identities = array(select jsonb_array_elements_text(body -> 'identities')::uuid)
      where erasure = asked and state = 'waiting';
    when 'customer.erased' then
      update log.erasure set state = 'erased', waits_for = '{}', position = told.position,
        erased_at = told.recorded_at
      where erasure = asked and state in ('waiting', 'erasing');
      update log.erasure set state = 'cancelled', waits_for = '{}'
      where state = 'waiting'
        and customer in (select jsonb_array_elements_text(body -> 'identities')::uuid);
    when 'customer.erasure-certified' then
      update log.erasure set state = 'certified', digest = body ->> 'digest' where erasure = asked;
    when 'customer.legal-hold-placed' then
      insert into log.legal_hold (customer, reason) values (told.subject, body ->> 'reason')
      on conflict (customer) do update set reason = excluded.reason;
    when 'customer.legal-hold-lifted' then
      select coalesce(max(m.customer::text)::uuid, told.subject) into owner from log.membership m
      where m.identity = told.subject
        and m.since <= told.position and (m.until is null or m.until > told.position);
      delete from log.legal_hold h where h.customer = owner or h.customer in (
        select m.identity from log.membership m where m.customer = owner
          and m.since <= told.position and (m.until is null or m.until > told.position));
    end case;
  end loop;
  update log.erasure_cursor set position = upto where position < upto;
  return head - upto;
end $$;
comment on function log.follow_erasures is 'Brings the tables of erasures up to the log; returns how many facts are left to look at.';
revoke all on function log.follow_erasures from public;
grant execute on function log.follow_erasures to huike_writer;

revoke insert, update on log.erasure, log.erasure_cursor from huike_writer;
revoke insert, update, delete on log.legal_hold from huike_writer;
grant update (waits_for, refused, answers, certificate) on log.erasure to huike_writer;

reset role;
