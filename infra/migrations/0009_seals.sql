-- The seals of the log's head: signed with a key that is not in this database.
set local role huike_owner;

create table log.seal (
  position   bigint not null,
  key        text not null,
  seal       text not null,
  primary key (position, key)
);
comment on table log.seal is 'What was signed of the log, as JSON: its position, its chain, and the peaks of the tree over its facts.';
grant select, insert on log.seal to huike_writer;

reset role;
