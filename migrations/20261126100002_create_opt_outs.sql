-- Why: who wants no reminders is sent none; who says so is told once that it was heard.
-- Locks messages for a moment: a column without a default, and a constraint over rows that lack it.

alter table messages
    add column wish text,
    add constraint messages_wish_known check (wish in ('stop', 'start')),
    add constraint messages_wish_is_a_text check (wish is null or kind = 'text');
comment on column messages.wish is 'A text that says STOP or START and nothing else.';

create table opt_outs (
    identity text not null,
    is_out boolean not null,
    told_by text not null,
    told_at timestamptz not null,
    message_id bigint,
    constraint opt_outs_pkey primary key (identity),
    constraint opt_outs_told_by_known check (told_by in ('message', 'preference', 'refusal')),
    constraint opt_outs_message_fkey foreign key (message_id) references messages (id) on delete set null
);
comment on table opt_outs is 'Who has said STOP or START, by phone (senders.phone_key) and by user id: the newest word of all that name a person counts. Personal data, kept as long as it must be obeyed.';
comment on column opt_outs.told_by is 'message: they wrote it; preference: they used WhatsApp''s switch; refusal: Meta said so when it refused a message (131050).';
comment on column opt_outs.told_at is 'Meta''s time: an older word does not replace a newer one.';
comment on column opt_outs.message_id is 'The message that changed it, which is owed a confirmation.';
