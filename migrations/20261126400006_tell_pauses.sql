-- Why: the operator is told once that a number is paused for a dead token, however many workers see it.
-- Locks: nothing that exists.

create table told_pauses (
    phone_number_id text not null,
    told_at timestamptz not null,
    constraint told_pauses_pkey primary key (phone_number_id)
);
comment on table told_pauses is 'Numbers that are paused for a dead token, of which the operator has been told.';
