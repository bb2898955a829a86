-- Reads of personal data are chained, each to the one before: what is removed or changed of them shows.
set local role huike_owner;

-- Ids are given under the lock that the chain is made under, without a gap.
alter table log.access alter column id drop identity;
alter table log.access add column chain bytea;
comment on column log.access.chain is 'SHA-256 of the chain of the read before and of this row''s bytes; null: from before there was a chain.';

create table log.access_destroyed (
  first  bigint not null,
  last   bigint primary key,
  chain  bytea not null
);
comment on table log.access_destroyed is 'Chained reads that retention destroyed, with the chain of the last of them; retention''s certificates say the same, signed.';
grant select on log.access_destroyed to huike_writer;

alter table log.seal add column reads bigint not null default -1;
comment on column log.seal.reads is 'The last read that is sealed with it, 0: there was none; -1: it says nothing of reads.';
alter table log.seal drop constraint seal_pkey;
alter table log.seal add primary key (position, key, reads);

reset role;
