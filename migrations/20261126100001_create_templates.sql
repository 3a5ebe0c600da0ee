-- Why: an answer by template waits until its template is approved, and the operator sees states,
-- reasons, pauses and moved categories. Locks replies for a moment: two columns without defaults,
-- and an index over the rows that wait, of which there are none yet.

create table templates (
    name text not null,
    language text not null,
    template_id text,
    status text not null,
    reason text,
    status_told_at timestamptz not null,
    checked_at timestamptz not null,
    category text,
    previous_category text,
    category_told_at timestamptz,
    quality text,
    quality_told_at timestamptz,
    header text,
    body text,
    footer text,
    others_wanted boolean not null default false,
    synced_at timestamptz,
    created_at timestamptz,
    constraint templates_pkey primary key (name, language),
    constraint templates_status_is_a_word check (status ~ '^[A-Z_]{1,40}$'),
    constraint templates_synced_has_words check ((synced_at is null) = (body is null))
);
comment on table templates is 'Message templates as Meta last told of them, by webhook, by listing or by refusing one. Nothing personal.';
comment on column templates.status is 'Meta''s word (APPROVED, PENDING, REJECTED, PAUSED, DISABLED …); UNKNOWN until it is told, MISSING when Meta says that there is none, DELETED.';
comment on column templates.status_told_at is 'Meta''s time of that status: an older word does not replace a newer one.';
comment on column templates.checked_at is 'When we last heard anything of the status: what is not sendable is believed for an hour.';
comment on column templates.previous_category is 'What it was billed as before Meta moved it; null where it never was.';
comment on column templates.others_wanted is 'Header or buttons take parameters, which Paragon does not fill.';
comment on column templates.synced_at is 'When its words were listed; null where only a webhook has told of it.';
comment on column templates.created_at is 'When we submitted it as a new one: Meta takes 100 an hour.';

alter table replies
    add column waits_for_template text;
comment on column replies.waits_for_template is 'The template that must be approved before this can be sent; reason says how it stands. Null when it does not wait.';
create index replies_waiting on replies (waits_for_template, language) where waits_for_template is not null;

create view ops.templates as
select
    templates.name,
    templates.language,
    templates.status,
    templates.reason,
    templates.category,
    templates.previous_category,
    templates.quality,
    (
        select count(*)
        from replies
        where replies.waits_for_template = templates.name
            and replies.language = templates.language
            and replies.state = 'owed'
    ) as waiting_replies,
    templates.status_told_at,
    templates.synced_at
from templates;
comment on view ops.templates is 'One row a template and language: may it be sent, what is it billed as, who waits for it.';
comment on column ops.templates.status is 'APPROVED and FLAGGED may be sent. PENDING, REJECTED, PAUSED, DISABLED, MISSING, DELETED may not.';
comment on column ops.templates.previous_category is 'Not null: Meta has moved it. MARKETING costs more, and is held back from who refused it.';

create view ops.waiting_replies as
select
    replies.message_id as message,
    replies.waits_for_template as template,
    replies.language,
    replies.reason,
    replies.created_at as since
from replies
where replies.waits_for_template is not null and replies.state = 'owed';
comment on view ops.waiting_replies is 'Answers that wait for a template to be approved, with how it stands.';
