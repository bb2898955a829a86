-- Keys have roles, an end, a limit, and for a while two secrets, so that they can be changed.
set local role huike_owner;

alter table log.api_key
  add column roles         text[] not null default '{}',
  add column expires_at    timestamptz,
  add column per_minute    integer,
  add column former_hash   bytea,
  add column former_until  timestamptz;
create unique index api_key_former on log.api_key (former_hash) where former_hash is not null;
comment on table log.api_key is 'Keys of machines: what they may do and for which source of which shop; only digests of the secret, and for a while of the one before.';

reset role;
