-- Who read whose personal data: written before the answer is given, never changed.
set local role huike_owner;

create table log.access (
  id      bigint generated always as identity primary key,
  at      timestamptz not null,
  actor   bytea not null,
  whom    bytea[],
  shop    text not null,
  period  text not null,
  sealed  bytea not null,
  reason  bytea
);
comment on table log.access is 'Every read of a person''s unmasked data, sealed under the key of its month; actor and whom are keyed indexes, whom is null for an export; reason is sealed under the person''s key.';
create index access_at on log.access (at);
create index access_actor on log.access (actor, id);
create index access_whom on log.access using gin (whom);
grant select, insert on log.access to huike_writer;

reset role;
