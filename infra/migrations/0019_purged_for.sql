-- A refused event that is about to be destroyed says for which erasures: each certificate counts its own.
set local role huike_owner;

alter table log.refused add column purged_for uuid[] not null default '{}';
comment on column log.refused.purged_for is 'The erasures with which it goes, from before its key is destroyed until it is deleted.';

reset role;
