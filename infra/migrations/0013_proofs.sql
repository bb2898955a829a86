-- What is refused has a key of its own, so that one event can be forgotten in every copy that there is of it.
set local role huike_owner;

create table keeper.refused_key (
  id       uuid primary key,
  epoch    integer not null,
  wrapped  bytea not null
);
comment on table keeper.refused_key is 'The key of each refused event, wrapped: it opens, with the key of its month, its row and its dead letter; deleted with whom it names.';

create trigger refuse_ended_epoch after insert on keeper.refused_key
  referencing new table as made for each statement execute function keeper.refuse_ended_epoch();

grant select, insert, update, delete on keeper.refused_key to huike_keeper;

reset role;
