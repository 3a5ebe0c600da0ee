-- Why: what Meta tells and we do not act on is counted by what it is, so that an operator sees it
-- without reading all of it; and of a message it is known what Meta calls it.
-- Locks messages and kept_items for a moment each: columns without a default that is computed. What was
-- kept before is counted here, under an empty kind.

alter table messages add column type text;
comment on column messages.type is 'Meta''s word for it: image, reaction, revoke …; null of messages from before this column.';

alter table kept_items add column kind text not null default '';
comment on column kept_items.kind is 'Meta''s word for it within its field: an event, a type, a status; empty where it has none.';

create table kept_kinds (
    field text not null,
    kind text not null,
    reason text not null,
    items bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    constraint kept_kinds_pkey primary key (field, kind, reason)
);
comment on table kept_kinds is 'How many items of each kind were kept raw, ever; counted with the items, and outlives them.';
insert into kept_kinds (field, kind, reason, items, first_at, last_at)
select field, kind, reason, count(*), min(received_at), max(received_at)
from kept_items
group by field, kind, reason;

create view ops.kept as
select field, kind, reason, items, first_at, last_at
from kept_kinds;
comment on view ops.kept is 'What Meta told and we do not act on, by what it is: kept raw in kept_items. Account alerts and changes of a number''s quality are among them.';
comment on column ops.kept.field is 'The subscribed field of the webhook; empty where there was none to read.';
comment on column ops.kept.kind is 'Meta''s word within the field: an event, a type, a status.';
comment on column ops.kept.reason is 'not_acted_on, nobody_to_answer (a message with neither phone nor user id), unreadable (no JSON, or of another shape).';
comment on column ops.kept.items is 'How many different ones, ever: the same bytes again are not counted.';
comment on column ops.kept.first_at is 'When the first one reached us.';
comment on column ops.kept.last_at is 'When the newest one reached us.';
