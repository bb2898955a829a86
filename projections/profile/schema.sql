-- The customer at a glance. Columns of JSON are UTF-8 bytes: convert_from(traits, 'UTF8')::jsonb.
-- Sealed columns are read through the API by who may.

create table profile (
    customer           uuid primary key,
    known              boolean not null,
    kind               text,
    person             bytea,
    name_mask          text,
    email_mask         text,
    phone_mask         text,
    email_index        bytea,
    phone_index        bytea,
    tags               text[] not null,
    consents           text[] not null,
    traits             bytea not null,
    first_seen         timestamptz not null,
    last_seen          timestamptz,
    orders             integer not null,
    purchases          integer not null,
    currency           text,
    paid               numeric not null,
    refunded           numeric not null,
    net                numeric not null,
    average            numeric,
    other_currencies   bytea not null,
    favourite_category text,
    open_tickets       integer not null,
    messages           integer not null,
    last_campaign      uuid,
    last_campaign_at   timestamptz,
    notes              integer not null,
    memory             bytea not null
) with (fillfactor = 70);
create index on profile (email_index) where email_index is not null;
create index on profile (phone_index) where phone_index is not null;
comment on table profile is 'One row a customer: who they are, what they allow, bought, asked and were sent.';
comment on column profile.customer is 'The customer''s id; the same in every table.';
comment on column profile.known is 'Known to the shop by an id of their own; false: a visitor without a name.';
comment on column profile.kind is 'person or company, as last stated; null: not stated.';
comment on column profile.person is 'Sealed JSON: name, e-mail, phone, address and private traits, with when each was said.';
comment on column profile.name_mask is 'First letters of the name, for who may not read it.';
comment on column profile.email_mask is 'The e-mail address as who may not read it sees it: a•••@e•••.com.';
comment on column profile.phone_mask is 'The last digits of the phone number.';
comment on column profile.email_index is 'Keyed digest of the e-mail address, for exact look-up alone.';
comment on column profile.phone_index is 'Keyed digest of the phone number, for exact look-up alone.';
comment on column profile.tags is 'Tags put on by hand and not taken off, sorted.';
comment on column profile.consents is 'What is allowed now, as channel:purpose, sorted.';
comment on column profile.traits is 'JSON: what the shop said of the customer and keeps in the clear.';
comment on column profile.first_seen is 'When the customer was first heard of, in UTC.';
comment on column profile.last_seen is 'The last thing that the customer did themselves; null: nothing yet.';
comment on column profile.orders is 'Orders placed, in all currencies.';
comment on column profile.purchases is 'Orders that were paid, in all currencies; refunds do not lower it.';
comment on column profile.currency is 'The currency that the customer first dealt in; sums are in it.';
comment on column profile.paid is 'All payments in that currency.';
comment on column profile.refunded is 'All that was given back in that currency.';
comment on column profile.net is 'paid - refunded.';
comment on column profile.average is 'net per purchase in that currency; null: no purchase.';
comment on column profile.other_currencies is 'JSON: paid, refunded and purchases in each other currency.';
comment on column profile.favourite_category is 'The category with the most units bought; of equals the first by name.';
comment on column profile.open_tickets is 'Tickets that are neither resolved nor closed.';
comment on column profile.messages is 'Messages of campaigns that were sent to the customer.';
comment on column profile.last_campaign is 'The campaign whose message was sent last.';
comment on column profile.last_campaign_at is 'When that message was sent.';
comment on column profile.notes is 'Notes written about the customer.';
comment on column profile.memory is 'JSON: when traits, tags, consents and such were said, so that the last said holds.';

create table profile_order (
    customer     uuid not null,
    order_id     uuid not null,
    number       text,
    status       text not null,
    channel      text,
    currency     text,
    total        numeric,
    paid         numeric not null,
    refunded     numeric not null,
    net          numeric not null,
    placed_at    timestamptz,
    purchased_at timestamptz,
    shipped_at   timestamptz,
    delivered_at timestamptz,
    cancelled_at timestamptz,
    flags        text[] not null,
    state        bytea not null,
    primary key (customer, order_id)
) with (fillfactor = 70);
comment on table profile_order is 'One row an order, as it now stands.';
comment on column profile_order.customer is 'Whose order it is.';
comment on column profile_order.order_id is 'The order''s id.';
comment on column profile_order.number is 'The shop''s own number of it; null: not yet told.';
comment on column profile_order.status is 'cancelled, refunded, delivered, shipped, paid, placed, or reported (money without an order).';
comment on column profile_order.channel is 'Where it was placed: web, app, store …';
comment on column profile_order.currency is 'Currency of the amounts.';
comment on column profile_order.total is 'What the shop says it comes to, shipping and tax included.';
comment on column profile_order.paid is 'What was paid in that currency.';
comment on column profile_order.refunded is 'What was given back in that currency.';
comment on column profile_order.net is 'paid - refunded.';
comment on column profile_order.placed_at is 'When it was placed.';
comment on column profile_order.purchased_at is 'When it was first paid; null: it is no purchase.';
comment on column profile_order.shipped_at is 'When it first left.';
comment on column profile_order.delivered_at is 'When it first arrived.';
comment on column profile_order.cancelled_at is 'When it was called off.';
comment on column profile_order.flags is 'What cannot be, as far as was told: refunded-above-paid and such.';
comment on column profile_order.state is 'JSON: terms with lines, every payment and refund as reported.';

create table profile_category (
    customer uuid not null,
    category text not null,
    units    numeric not null,
    primary key (customer, category)
) with (fillfactor = 70);
comment on table profile_category is 'What a customer bought of each category.';
comment on column profile_category.customer is 'Who bought.';
comment on column profile_category.category is 'The category, as the shop names it.';
comment on column profile_category.units is 'Units in orders that were paid; refunds do not lower it.';

create table profile_ticket (
    customer        uuid not null,
    ticket_id       uuid not null,
    number          text,
    kind            text,
    channel         text,
    order_id        uuid,
    status          text,
    agent           text,
    score           integer,
    opened_at       timestamptz,
    last_message_at timestamptz,
    said            bytea not null,
    primary key (customer, ticket_id)
) with (fillfactor = 70);
comment on table profile_ticket is 'One row a ticket, as it now stands.';
comment on column profile_ticket.customer is 'Whose ticket it is.';
comment on column profile_ticket.ticket_id is 'The ticket''s id.';
comment on column profile_ticket.number is 'Its number.';
comment on column profile_ticket.kind is 'inquiry, complaint or after-sales.';
comment on column profile_ticket.channel is 'How the customer turned to the shop.';
comment on column profile_ticket.order_id is 'The order that it is about.';
comment on column profile_ticket.status is 'open, resolved or closed; null: it was not told yet.';
comment on column profile_ticket.agent is 'Who has it.';
comment on column profile_ticket.score is 'The customer''s rating, 1 (badly) to 5 (well).';
comment on column profile_ticket.opened_at is 'When it was opened.';
comment on column profile_ticket.last_message_at is 'When anybody last wrote in it.';
comment on column profile_ticket.said is 'JSON: each of these values with when it was said.';

create table profile_note (
    customer    uuid not null,
    note_id     uuid not null,
    written_at  timestamptz not null,
    position    bigint not null,
    author_kind text not null,
    author_id   text not null,
    text        bytea,
    primary key (customer, note_id)
);
comment on table profile_note is 'One row a note that somebody wrote about a customer.';
comment on column profile_note.customer is 'Whom it is about.';
comment on column profile_note.note_id is 'The note''s id.';
comment on column profile_note.written_at is 'When it was written.';
comment on column profile_note.position is 'Position of the fact in the log.';
comment on column profile_note.author_kind is 'Who wrote it: key, person, process or system.';
comment on column profile_note.author_id is 'The id of who wrote it.';
comment on column profile_note.text is 'Sealed: what it says.';
