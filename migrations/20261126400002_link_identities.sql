-- Why: a person who changes their number or their user id stays the same sender, with the same
-- customer and the same entries; what Meta tells of parent ids and usernames is kept.
-- Locks: messages, senders and entry_revisions for a moment each: columns without a default, and
-- constraints that are checked against the rows that there are.

alter table messages
    drop constraint messages_kind_known,
    add constraint messages_kind_known
        check (kind in ('media', 'text', 'choice', 'other_media', 'moved', 'silent'));

create table moves (
    message_id bigint not null,
    phone text,
    user_id text,
    constraint moves_pkey primary key (message_id),
    constraint moves_message_fkey foreign key (message_id) references messages (id) on delete cascade,
    constraint moves_to_somebody check (phone is not null or user_id is not null)
);
comment on table moves is 'Who the sender of a system message is from then on: another number, another user id. Personal data.';

create table profiles (
    message_id bigint not null,
    parent_user_id text,
    username text,
    constraint profiles_pkey primary key (message_id),
    constraint profiles_message_fkey foreign key (message_id) references messages (id) on delete cascade,
    constraint profiles_say_something check (parent_user_id is not null or username is not null)
);
comment on table profiles is 'What a message tells of its sender besides number, user id and name. Personal data.';

alter table senders
    add column parent_user_id text,
    add column username text,
    add column merged_into bigint,
    add column metadata_behind boolean not null default false,
    drop constraint senders_are_somebody,
    add constraint senders_are_somebody
        check (phone is not null or user_id is not null or merged_into is not null),
    add constraint senders_merged_into_fkey foreign key (merged_into) references senders (id),
    add constraint senders_merged_into_another check (merged_into <> id),
    add constraint senders_merged_are_nobody
        check (merged_into is null or (phone is null and user_id is null and customer_id is null));
create index senders_by_parent_user_id on senders (parent_user_id) where parent_user_id is not null;
comment on column senders.parent_user_id is 'The same person as other portfolios of the same business see them; by it a sender without a number is known again.';
comment on column senders.username is 'As last told; it may change at any time, and nobody is known by it.';
comment on column senders.merged_into is 'This turned out to be another sender''s row: that one has the number, the customer and the entries.';
comment on column senders.metadata_behind is 'Number or user id has changed, and the customer''s metadata at Stripe does not say so yet.';

create table former_identities (
    id bigint generated always as identity,
    sender_id bigint not null,
    message_id bigint not null,
    phone text,
    phone_key text,
    user_id text,
    until timestamptz not null,
    constraint former_identities_pkey primary key (id),
    constraint former_identities_once_a_message unique (message_id),
    constraint former_identities_sender_fkey foreign key (sender_id) references senders (id) on delete cascade,
    constraint former_identities_are_somebody check (phone is not null or user_id is not null),
    constraint former_identities_phone_has_key check ((phone is null) = (phone_key is null))
);
create index former_identities_by_phone_key on former_identities (phone_key, until) where phone_key is not null;
create index former_identities_by_user_id on former_identities (user_id, until) where user_id is not null;
create index former_identities_by_sender on former_identities (sender_id);
comment on table former_identities is 'Who a sender was until they changed their number or user id. The number may belong to somebody else from then on.';

alter table entry_revisions
    drop constraint entry_revisions_once_a_message,
    add constraint entry_revisions_once_a_message unique (message_id, entry_id, what),
    drop constraint entry_revisions_what_known,
    add constraint entry_revisions_what_known check (what in ('total', 'tax', 'category', 'state', 'customer'));
