-- Why: what came of a message, one table a step, so that a step finds its own result and is not
-- done twice. Locks nothing: new tables only.

create table readings (
    message_id bigint not null,
    engine text not null,
    verdict text not null,
    reason text,
    merchant text,
    total_unscaled bigint,
    total_scale smallint,
    currency text,
    receipt_date date,
    category text,
    tax_unscaled bigint,
    tax_scale smallint,
    country text,
    read_at timestamptz not null,
    constraint readings_one_per_engine primary key (message_id, engine),
    constraint readings_message_fkey foreign key (message_id) references messages (id) on delete cascade,
    constraint readings_verdict_known check (verdict in ('receipt', 'not_a_receipt', 'unreadable')),
    constraint readings_total_is_whole check ((total_unscaled is null) = (total_scale is null)),
    constraint readings_tax_is_whole check ((tax_unscaled is null) = (tax_scale is null)),
    constraint readings_of_receipts_only check (
        verdict = 'receipt'
        or (merchant is null and total_unscaled is null and currency is null and receipt_date is null
            and category is null and tax_unscaled is null and country is null)
    ),
    constraint readings_unreadable_has_reason check ((verdict = 'unreadable') = (reason is not null))
);
comment on table readings is 'What each engine read from a photo, as printed: amount = unscaled / 10^scale. Null is unknown, never a guess. Paid for once, kept for every retry.';
comment on column readings.reason is 'Why this engine cannot read it at all.';

create table matches (
    message_id bigint not null,
    sender_id bigint not null,
    customer_id text not null,
    matched_at timestamptz not null,
    constraint matches_pkey primary key (message_id),
    constraint matches_message_fkey foreign key (message_id) references messages (id) on delete cascade,
    constraint matches_sender_fkey foreign key (sender_id) references senders (id)
);
comment on table matches is 'Whose receipt a message was found to be: the Stripe customer at the time of booking.';

create table entries (
    id bigint generated always as identity,
    message_id bigint not null,
    sender_id bigint not null,
    customer_id text not null,
    state text not null,
    merchant text,
    total_minor bigint,
    currency text,
    receipt_date date,
    category text,
    tax_minor bigint,
    booked_at timestamptz not null,
    constraint entries_pkey primary key (id),
    constraint entries_one_per_message unique (message_id),
    constraint entries_message_fkey foreign key (message_id) references messages (id),
    constraint entries_sender_fkey foreign key (sender_id) references senders (id),
    constraint entries_state_known check (state in ('booked', 'incomplete')),
    constraint entries_booked_is_whole check (state <> 'booked' or (total_minor is not null and currency is not null)),
    constraint entries_currency_is_iso check (currency ~ '^[A-Z]{3}$')
);
comment on table entries is 'What is booked: amounts in minor units of their currency (JPY has 0 decimals, KWD 3).';
create index entries_by_customer on entries (customer_id, id);

create table replies (
    id bigint generated always as identity,
    message_id bigint not null,
    sender_id bigint not null,
    part text not null,
    outcome text not null,
    language text not null,
    body text not null,
    parameters text[] not null,
    state text not null,
    reason text,
    created_at timestamptz not null,
    settled_at timestamptz,
    constraint replies_pkey primary key (id),
    constraint replies_one_of_each_part unique (message_id, part),
    constraint replies_part_known check (part in ('answer', 'notice')),
    constraint replies_message_fkey foreign key (message_id) references messages (id) on delete cascade,
    constraint replies_sender_fkey foreign key (sender_id) references senders (id),
    constraint replies_state_known check (state in ('owed', 'sent', 'withheld')),
    constraint replies_settled_has_time check ((state = 'owed') = (settled_at is null)),
    constraint replies_withheld_has_reason check (state <> 'withheld' or reason is not null)
);
comment on table replies is 'The one answer to a message, and the one notice that may go before it: owed until Meta took it, or withheld because it cannot lawfully or possibly be sent.';
comment on column replies.parameters is 'The template''s parameters; empty where no template says this.';
create index replies_help_by_sender on replies (sender_id, created_at) where outcome = 'help';

create table send_attempts (
    id uuid not null,
    reply_id bigint not null,
    number integer not null,
    form text not null,
    intended_at timestamptz not null,
    outcome text,
    wamid text,
    error_code integer,
    lost_at timestamptz,
    settled_at timestamptz,
    delivery text,
    delivery_error_code integer,
    delivered_at timestamptz,
    constraint send_attempts_pkey primary key (id),
    constraint send_attempts_reply_fkey foreign key (reply_id) references replies (id) on delete cascade,
    constraint send_attempts_one_at_a_time unique (reply_id, number),
    constraint send_attempts_wamid_unique unique (wamid),
    constraint send_attempts_form_known check (form in ('text', 'template')),
    constraint send_attempts_outcome_known check (outcome in ('accepted', 'refused', 'not_sent')),
    constraint send_attempts_settled_has_time check ((outcome is null) = (settled_at is null)),
    constraint send_attempts_accepted_has_wamid check (outcome <> 'accepted' or wamid is not null),
    constraint send_attempts_delivery_known check (delivery in ('sent', 'delivered', 'read', 'failed'))
);
comment on table send_attempts is 'Each attempt to send, written before the call; its id is echoed by Meta. outcome null: nobody knows yet.';
comment on column send_attempts.lost_at is 'When the call ended without an answer: from here the wait for the echo counts.';
comment on column send_attempts.number is 'Counted from 1. Unique, so that two workers cannot both believe that the next attempt is theirs.';
