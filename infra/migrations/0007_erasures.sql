-- Erasures as they stand, told by the facts up to a cursor; what is done for each; who may not be erased.

set local role huike_owner;

create table log.erasure (
  erasure       uuid primary key,
  customer      uuid not null,
  shop          text not null,
  asked_by      text not null,
  requested_at  timestamptz not null,
  due_at        timestamptz not null,
  state         text not null default 'waiting'
                check (state in ('waiting', 'cancelled', 'erasing', 'erased', 'certified')),
  waits_for     text[] not null default '{}',
  erased_at     timestamptz,
  position      bigint,
  refused       integer not null default 0,
  answers       integer not null default 0,
  certificate   bytea
);
comment on table log.erasure is 'Who asked to be forgotten, why it waits, and what was done; position: of customer.erased.';
create index erasure_open on log.erasure (due_at) where state in ('waiting', 'erasing', 'erased');
create index erasure_customer on log.erasure (customer);

create table log.legal_hold (
  customer  uuid primary key,
  reason    text not null
);
comment on table log.legal_hold is 'Customers whom the law forbids to forget for the time being.';

create table log.erasure_cursor (
  one       boolean primary key default true check (one),
  position  bigint not null
);
insert into log.erasure_cursor (position) values (0);
comment on table log.erasure_cursor is 'Up to which fact the tables of erasures tell.';

grant select, insert, update on log.erasure, log.erasure_cursor to huike_writer;
grant select, insert, update, delete on log.legal_hold to huike_writer;
grant delete on log.refused to huike_writer;

reset role;
