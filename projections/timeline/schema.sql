-- The customer's story. Columns of JSON are UTF-8 bytes: convert_from(detail, 'UTF8')::jsonb.

create table timeline (
    customer    uuid not null,
    occurred_at timestamptz not null,
    position    bigint not null,
    kind        text not null,
    stream      uuid not null,
    campaign    uuid,
    actor_kind  text not null,
    actor_id    text not null,
    detail      bytea not null,
    private     bytea,
    primary key (customer, occurred_at, position)
);
comment on table timeline is 'One row a fact that is worth telling.';
comment on column timeline.customer is 'Whose story it belongs to.';
comment on column timeline.position is 'Position of the fact in the log.';
comment on column timeline.occurred_at is 'When it happened, in UTC.';
comment on column timeline.kind is 'What happened, by its stored name: order.paid, ticket.opened …';
comment on column timeline.stream is 'The order, ticket, message or customer that it happened to.';
comment on column timeline.campaign is 'The campaign that it belongs to.';
comment on column timeline.actor_kind is 'Who said so: key, person, process or system.';
comment on column timeline.actor_id is 'The id of who said so.';
comment on column timeline.detail is 'JSON: what may be read of it by anybody.';
comment on column timeline.private is 'Sealed JSON: what says who somebody is, or is their own words.';

create table timeline_number (
    customer uuid not null,
    stream   uuid not null,
    number   text not null,
    primary key (customer, stream)
);
comment on table timeline_number is 'The numbers by which orders and tickets are told.';
comment on column timeline_number.customer is 'Whose order or ticket it is.';
comment on column timeline_number.stream is 'The order or ticket.';
comment on column timeline_number.number is 'The shop''s own number of it.';

create table timeline_campaign (
    campaign  uuid primary key,
    name      text not null,
    simulated boolean not null
);
comment on table timeline_campaign is 'The names by which campaigns are told.';
comment on column timeline_campaign.campaign is 'The campaign''s id.';
comment on column timeline_campaign.name is 'Its name.';
comment on column timeline_campaign.simulated is 'Its recipients are made up.';
