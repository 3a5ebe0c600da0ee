-- Why: what Meta told us, each thing once. Locks nothing: new tables only.

-- Meta redelivers for 7 days, and a wamid contains the sender's phone number. So what must be
-- known for longest is kept apart, as a digest that tells nobody's number.
create table message_ids (
    wamid_sha256 bytea not null,
    first_seen_at timestamptz not null,
    constraint message_ids_pkey primary key (wamid_sha256),
    constraint message_ids_hold_digests check (octet_length(wamid_sha256) = 32)
);
comment on table message_ids is 'SHA-256 of each message id ever accepted; outlives the message, so that a late redelivery writes nothing.';

create table senders (
    id bigint generated always as identity,
    phone text,
    user_id text,
    customer_id text,
    customer_checked_at timestamptz,
    create_key uuid not null default gen_random_uuid(),
    create_try integer not null default 0,
    create_name text,
    create_began_at timestamptz,
    constraint senders_pkey primary key (id),
    constraint senders_phone_unique unique (phone),
    constraint senders_user_id_unique unique (user_id),
    constraint senders_are_somebody check (phone is not null or user_id is not null),
    constraint senders_checked_with_customer check ((customer_id is null) = (customer_checked_at is null)),
    constraint senders_create_is_whole check ((create_name is null) = (create_began_at is null))
);
comment on table senders is 'One row a person who wrote to us. The customer is a copy: Stripe is the source of truth.';
comment on column senders.customer_checked_at is 'When Stripe last said so; asked again after CUSTOMER_TTL_HOURS.';
comment on column senders.create_key is 'Names this identity in the idempotency key of the create call, and nobody''s phone.';
comment on column senders.create_try is 'Part of the idempotency key of the create call: Stripe replays a stored 500, so each try has a key of its own.';
comment on column senders.create_name is 'The name frozen with the try under way: the same key with other parameters is an error at Stripe.';

create table messages (
    id bigint generated always as identity,
    wamid text not null,
    phone_number_id text not null,
    phone text,
    user_id text,
    profile_name text,
    kind text not null,
    sent_at timestamptz not null,
    received_at timestamptz not null,
    accepted_at timestamptz not null,
    raw bytea not null,
    trace_parent text,
    constraint messages_pkey primary key (id),
    constraint messages_wamid_unique unique (wamid),
    constraint messages_kind_known check (kind in ('media', 'text', 'other_media', 'silent')),
    constraint messages_from_somebody check (phone is not null or user_id is not null)
);
-- When did this sender last write to this number? The 24-hour window asks before each answer.
create index messages_by_phone on messages (phone_number_id, phone, sent_at desc) where phone is not null;
create index messages_by_user_id on messages (phone_number_id, user_id, sent_at desc) where user_id is not null;
comment on table messages is 'What senders wrote. wamid, phone, user_id, profile_name and raw are personal data.';
comment on column messages.sent_at is 'Meta''s time: the 24-hour window opens here.';
comment on column messages.received_at is 'When the webhook reached us.';
comment on column messages.phone_number_id is 'The number that was written to; the answer leaves from it.';

-- A photo's bytes, by their digest: the same photo is kept once.
create table blobs (
    sha256 bytea not null,
    mime text not null,
    bytes bytea not null,
    stored_at timestamptz not null,
    constraint blobs_pkey primary key (sha256),
    constraint blobs_hold_digests check (octet_length(sha256) = 32)
);
-- JPEG does not shrink: do not burn time on trying.
alter table blobs alter column bytes set storage external;
comment on table blobs is 'Bytes of photos and documents, content-addressed.';

create table media (
    message_id bigint not null,
    media_id text not null,
    declared_mime text not null,
    declared_sha256 bytea,
    state text not null,
    sha256 bytea,
    reason text,
    constraint media_pkey primary key (message_id),
    constraint media_message_fkey foreign key (message_id) references messages (id) on delete cascade,
    constraint media_blob_fkey foreign key (sha256) references blobs (sha256),
    constraint media_state_known check (state in ('pending', 'stored', 'lost')),
    constraint media_stored_has_bytes check ((state = 'stored') = (sha256 is not null)),
    constraint media_lost_has_reason check (state <> 'lost' or reason is not null)
);
comment on table media is 'The photo of a message: stored with it, pending (the worker fetches it by media_id), or lost for good with the reason.';

create table kept_items (
    id bigint generated always as identity,
    raw_sha256 bytea not null,
    reason text not null,
    field text not null,
    raw bytea not null,
    received_at timestamptz not null,
    constraint kept_items_pkey primary key (id),
    constraint kept_items_raw_unique unique (raw_sha256),
    constraint kept_items_reason_known check (reason in ('unreadable', 'not_acted_on', 'nobody_to_answer'))
);
comment on table kept_items is 'Signed items that we do not act on, as they came: bytes, because jsonb refuses what a sender can type.';

create table parked_statuses (
    wamid text not null,
    delivery text not null,
    attempt_id uuid,
    error_code integer,
    told_at timestamptz not null,
    received_at timestamptz not null,
    constraint parked_statuses_pkey primary key (wamid, delivery),
    constraint parked_statuses_delivery_known check (delivery in ('sent', 'delivered', 'read', 'failed'))
);
comment on table parked_statuses is 'Statuses of messages that we do not know; they live 7 days.';
