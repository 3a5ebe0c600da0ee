-- Why: a receipt that comes again is asked about, and a sender corrects an entry in the chat.
-- Locks messages, entries and replies for a moment each: columns without defaults, and constraints
-- that are checked against the rows that there are. Entries booked before this have neither
-- merchant_key nor photo_sha256: a repeat of one of those is not noticed.

alter table messages
    add column quoted_wamid text,
    add column quoted_words text,
    add column pressed text,
    drop constraint messages_kind_known,
    add constraint messages_kind_known check (kind in ('media', 'text', 'choice', 'other_media', 'silent')),
    add constraint messages_words_quote check (quoted_words is null or quoted_wamid is not null),
    add constraint messages_choice_has_button check ((kind = 'choice') = (pressed is not null));
comment on column messages.quoted_wamid is 'The message that a text replies to: a correction, perhaps. Personal data.';
comment on column messages.quoted_words is 'The first words of such a text. Personal data.';
comment on column messages.pressed is 'The id of the button that was pressed: which entry, and what of it.';

alter table entries
    add column merchant_key text,
    add column photo_sha256 bytea,
    add column duplicate_of bigint,
    add column confirmed_at timestamptz,
    add constraint entries_duplicate_of_fkey foreign key (duplicate_of) references entries (id),
    add constraint entries_photo_is_a_digest check (octet_length(photo_sha256) = 32),
    drop constraint entries_state_known,
    add constraint entries_state_known check (state in ('booked', 'incomplete', 'duplicate')),
    add constraint entries_duplicate_of_another check (
        (state <> 'duplicate' or duplicate_of is not null) and duplicate_of <> id
    );
comment on column entries.state is 'booked; incomplete: total or currency is unknown; duplicate: looks like duplicate_of, not exported until the sender says that it is a new one.';
comment on column entries.merchant_key is 'Letters and digits of the merchant, in one case: by it a receipt is known again.';
comment on column entries.photo_sha256 is 'The photo that it was read from: by it a receipt is known again.';
comment on column entries.duplicate_of is 'What it repeats, or seemed to.';
comment on column entries.confirmed_at is 'When the sender said that it is right.';
create index entries_by_receipt on entries (sender_id, receipt_date, total_minor, merchant_key);
create index entries_by_photo on entries (sender_id, photo_sha256);

create table entry_revisions (
    id bigint generated always as identity,
    entry_id bigint not null,
    message_id bigint not null,
    sender_id bigint not null,
    what text not null,
    was text,
    became text,
    changed_at timestamptz not null,
    constraint entry_revisions_pkey primary key (id),
    constraint entry_revisions_once_a_message unique (message_id, what),
    constraint entry_revisions_entry_fkey foreign key (entry_id) references entries (id),
    constraint entry_revisions_message_fkey foreign key (message_id) references messages (id),
    constraint entry_revisions_sender_fkey foreign key (sender_id) references senders (id),
    constraint entry_revisions_what_known check (what in ('total', 'tax', 'category', 'state'))
);
create index entry_revisions_by_entry on entry_revisions (entry_id, id);
comment on table entry_revisions is 'What a sender changed in an entry, by which message; null is unknown. Never changed, only added to.';
comment on column entry_revisions.was is 'total and tax as "12.50 EUR", category and state as their words.';

alter table replies
    add column entry_id bigint,
    add column asks text,
    add constraint replies_entry_fkey foreign key (entry_id) references entries (id),
    add constraint replies_asks_known check (asks in ('verdict', 'duplicate')),
    add constraint replies_ask_about_an_entry check (asks is null or entry_id is not null);
comment on column replies.entry_id is 'Which entry it speaks of: whoever quotes it means that one.';
comment on column replies.asks is 'Which buttons it carries: right or wrong, the same or a new one.';
create index replies_on_corrections_by_sender on replies (sender_id, created_at)
    where outcome in ('how_to_correct', 'correction_help');

comment on column ops.messages.state is
    'accepted, pending (photo to be fetched), lost (photo not to be had), receipt / not_a_receipt / unreadable (read), matched, booked / incomplete / duplicate, replied, delivered, failed (the answer did not arrive), withheld (no answer could lawfully be sent).';
