create table tally (
    subject uuid primary key,
    email bytea,
    email_at timestamptz,
    email_position bigint,
    facts int not null,
    last timestamptz not null,
    paid numeric not null,
    tags text[] not null,
    traits bytea not null,
    awake boolean not null,
    sleeps timestamptz
) with (fillfactor = 70);
create index on tally (sleeps);

create table payment (
    subject uuid,
    stream uuid,
    payment text,
    amount numeric not null,
    at timestamptz not null,
    position bigint not null,
    primary key (subject, stream, payment)
);

create table story (
    subject uuid,
    position bigint,
    at timestamptz not null,
    words text not null,
    primary key (subject, position)
);

create table campaign (
    subject uuid primary key,
    name text not null
);
