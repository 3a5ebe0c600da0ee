-- Why: photos, raw payloads and what was read are removed when they have reached the age that the
-- operator gave them, a small step at a time. Each kind has a mark: how far it has been gone through.
-- Locks nothing: a new table only.

create table retention_marks (
    what text not null,
    message_id bigint not null,
    constraint retention_marks_pkey primary key (what),
    constraint retention_marks_what_known check (what in ('photos', 'raw', 'readings'))
);
comment on table retention_marks is 'Up to which message what has outlived its age was removed. Setting one back to 0 makes the next chores go through all messages again, and does no harm.';
insert into retention_marks (what, message_id)
values ('photos', 0), ('raw', 0), ('readings', 0);

comment on column messages.raw is 'As Meta sent it; empty once RETAIN_RAW_DAYS are over. Personal data.';
