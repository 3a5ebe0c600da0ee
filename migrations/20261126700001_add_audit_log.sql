-- Why: what operators do by the dashboard is written down with it, and their corrections of entries
-- are kept beside those of senders.
-- Locks: entry_revisions for one pass over its rows (constraints that are checked against what is
-- there); it has a row for each change that somebody made.

create table audit_log (
    id bigint generated always as identity,
    at timestamptz not null,
    actor text not null,
    remote text not null,
    action text not null,
    subject text not null,
    details text,
    constraint audit_log_pkey primary key (id),
    constraint audit_log_action_is_a_word check (action ~ '^[a-z_]{1,40}$')
);
comment on table audit_log is 'What operators did, written in the transaction that did it. Only added to. No phone, name or text of a sender is in it.';
comment on column audit_log.actor is 'A session of the dashboard by its label, which says nothing of its cookie.';
comment on column audit_log.remote is 'The address that it came from; behind a proxy also the one that the proxy named.';
comment on column audit_log.action is 'What was done: sign_in, correct_entry, retry_job …';
comment on column audit_log.subject is 'On what: "entry 12", "queue messages"; empty where it is about nothing.';
comment on column audit_log.details is 'What else there is to say of it: nothing personal.';

alter table entry_revisions
    alter column message_id drop not null,
    add column audit_id bigint,
    add constraint entry_revisions_audit_fkey foreign key (audit_id) references audit_log (id),
    add constraint entry_revisions_once_an_act unique (audit_id, entry_id, what),
    add constraint entry_revisions_by_somebody check ((message_id is null) <> (audit_id is null)),
    drop constraint entry_revisions_what_known,
    add constraint entry_revisions_what_known
        check (what in ('merchant', 'date', 'total', 'tax', 'category', 'state', 'customer', 'confirmed'));
comment on table entry_revisions is 'What was changed in an entry: by its sender, with the message that said so, or by an operator, with the line of audit_log. Null is unknown. Never changed, only added to. Merchants are personal data.';
comment on column entry_revisions.sender_id is 'Whose entry it is.';
comment on column entry_revisions.was is 'total and tax as "12.50 EUR", date as 2026-11-26, the others as their words.';
comment on column entries.confirmed_at is 'When the sender, or an operator, said that it is right.';
