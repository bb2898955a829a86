-- Erasures know by which identities the customer was known when it began.

alter table log.erasure add column identities uuid[] not null default '{}';
comment on column log.erasure.identities is 'All that the customer was known by when it began: their keys are destroyed, whoever they turn out to be.';
