-- A job says when its work began: what it answers was read since then, and it is begun anew when somebody is forgotten meanwhile.
set local role huike_owner;

alter table log.job add column began_at timestamptz;
comment on column log.job.began_at is 'When the work began that its answer came of; one that is begun anew reads everything again.';

reset role;
