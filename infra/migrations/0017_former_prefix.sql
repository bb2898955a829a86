-- What a key began with before its last change: a secret that leaked is named by it while it still opens.
set local role huike_owner;

alter table log.api_key add column former_prefix text;
comment on column log.api_key.former_prefix is 'What the secret before began with; null where it was changed before this was kept.';

reset role;
