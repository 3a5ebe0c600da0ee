-- Why: sends keep Meta's limits before Meta refuses them: for each number, and for each pair of
-- number and sender. A send whose moment is far off is woken once, then. A status that tells of a
-- failure is acted on by its code, from the time of that failure.
-- Locks: replies and send_attempts for a moment each (columns without defaults).

create table pair_paces (
    phone_number_id text not null,
    sender_id bigint not null,
    free_at timestamptz not null,
    constraint pair_paces_pkey primary key (phone_number_id, sender_id),
    constraint pair_paces_sender_fkey foreign key (sender_id) references senders (id) on delete cascade
);
comment on table pair_paces is 'Up to when the messages from one number to one sender are spoken for; by Postgres''s clock.';

alter table replies add column turn_at timestamptz;
comment on column replies.turn_at is 'The moment that is reserved for its next attempt, where that is some way off.';

alter table send_attempts add column failed_at timestamptz;
comment on column send_attempts.failed_at is 'When we heard that a message which Meta had taken did not arrive.';
