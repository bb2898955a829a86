-- What a key may do is the owner's to say: the server says when it was used, and nothing else of it.
set local role huike_owner;

revoke insert, update on log.api_key from huike_writer;
grant update (last_used_at) on log.api_key to huike_writer;

reset role;
