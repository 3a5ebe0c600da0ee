-- Why: a photo that takes over a minute gets one word that it will take longer, before its answer.
-- Locks: replies for a moment (a constraint that is checked against the rows that there are).
-- messages_photos_by_accepted is made here and not concurrently: it locks out writers of messages
-- while it is built, some seconds for a million rows.

alter table replies
    drop constraint replies_part_known,
    add constraint replies_part_known check (part in ('answer', 'notice', 'delay'));
comment on table replies is 'The one answer to a message, and what may go before it: the word that it takes longer, the notice that it was given up. Owed until Meta took it, or withheld because it cannot lawfully or possibly be sent.';

create index messages_photos_by_accepted on messages (accepted_at) where kind = 'media';

create table watermarks (
    name text not null,
    reached_at timestamptz not null,
    constraint watermarks_pkey primary key (name)
);
comment on table watermarks is 'How far a look at all messages has come, so that each is looked at once.';
