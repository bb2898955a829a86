-- What the writer could still do to the history: rename the log, and have its owner run a type of its own.
set local role huike_owner;

revoke insert, update on log.installation from huike_writer;
grant update (fingerprint) on log.installation to huike_writer;

-- A temporary type is found before PostgreSQL's own, unless the temporary schema is named, as the last.
alter function log.ensure_room set search_path = pg_catalog, log, pg_temp;

reset role;
