-- Why: reminders are sent as answers are, each attempt written down before the call; and what sends
-- cost is counted. Locks send_attempts for one pass over its rows (constraints that are checked
-- against what is there) and parked_statuses for a moment.

create table reminders (
    id bigint generated always as identity,
    key text not null,
    phone_number_id text not null,
    sender_id bigint not null,
    template text not null,
    language text not null,
    parameters text[] not null,
    parameter_names text[] not null,
    run_at timestamptz not null,
    state text not null,
    reason text,
    waits_for_template text,
    turn_at timestamptz,
    created_at timestamptz not null,
    settled_at timestamptz,
    constraint reminders_pkey primary key (id),
    constraint reminders_asked_for_once unique (key),
    constraint reminders_sender_fkey foreign key (sender_id) references senders (id),
    constraint reminders_state_known check (state in ('scheduled', 'sent', 'withheld', 'cancelled')),
    constraint reminders_settled_has_time check ((state = 'scheduled') = (settled_at is null)),
    constraint reminders_withheld_has_reason check (state <> 'withheld' or reason is not null),
    constraint reminders_names_fit check (cardinality(parameter_names) in (0, cardinality(parameters)))
);
comment on table reminders is 'What is to be sent without having been asked, by template: scheduled until Meta took it, withheld with the reason, or cancelled. parameters are personal data.';
comment on column reminders.key is 'The same reminder asked for twice has the same key, and is there once.';
comment on column reminders.parameter_names is 'Empty where the parameters are given by their order.';
comment on column reminders.waits_for_template is 'The template that must be approved before this can be sent. Null when it does not wait.';
comment on column reminders.turn_at is 'The moment that is reserved for its next attempt, where that is some way off.';
create index reminders_waiting on reminders (waits_for_template, language) where waits_for_template is not null;
create index reminders_by_sender on reminders (sender_id);

comment on table senders is 'One row a person who wrote to us, or whom we write to. The customer is a copy: Stripe is the source of truth.';

alter table send_attempts
    alter column reply_id drop not null,
    add column reminder_id bigint,
    add column billable boolean,
    add column pricing_model text,
    add column pricing_type text,
    add column pricing_category text,
    add column counted_at timestamptz,
    add constraint send_attempts_reminder_fkey foreign key (reminder_id) references reminders (id) on delete cascade,
    add constraint send_attempts_send_one_thing check ((reply_id is null) <> (reminder_id is null)),
    add constraint send_attempts_one_reminder_at_a_time unique (reminder_id, number),
    add constraint send_attempts_price_has_category check ((billable is null) = (pricing_category is null));
comment on column send_attempts.billable is 'Whether Meta charges for it, as its statuses tell; null until they do.';
comment on column send_attempts.pricing_type is 'regular, free_customer_service, free_entry_point; told since webhook v24.';
comment on column send_attempts.counted_at is 'When it was counted in costs: once, when it was priced and had arrived.';

alter table parked_statuses add column pricing jsonb;
comment on column parked_statuses.pricing is 'What the message is charged as: billable, model, type, category.';

create table costs (
    phone_number_id text not null,
    month date not null,
    category text not null,
    pricing_type text not null,
    billable_messages bigint not null default 0,
    free_messages bigint not null default 0,
    constraint costs_pkey primary key (phone_number_id, month, category, pricing_type),
    constraint costs_month_is_its_first_day check (extract(day from month) = 1)
);
comment on table costs is 'Messages that arrived, counted by what Meta charges for them: one row a number, month, category and kind of price.';

create view ops.costs as
select
    costs.phone_number_id as number,
    costs.month,
    costs.category,
    costs.pricing_type,
    costs.billable_messages,
    costs.free_messages
from costs;
comment on view ops.costs is 'What sends cost, in messages: counts kept as statuses come in, so that this costs the same at any history. Prices are between you and Meta.';
comment on column ops.costs.number is 'Meta''s id of the number that it left from.';
comment on column ops.costs.month is 'First day of the month, UTC, in which Meta says that it arrived.';
comment on column ops.costs.category is 'service, utility, marketing …';
comment on column ops.costs.pricing_type is 'regular, free_customer_service, free_entry_point; unknown where Meta did not say.';

create table reached_people (
    sender_id bigint not null,
    reached_at timestamptz not null,
    constraint reached_people_pkey primary key (sender_id),
    constraint reached_people_sender_fkey foreign key (sender_id) references senders (id) on delete cascade
);
create index reached_people_by_time on reached_people (reached_at desc);
comment on table reached_people is 'Whom we last wrote to by template outside their 24-hour window, and when: Meta limits how many of them there are in 24 hours.';

create table messaging_limits (
    phone_number_id text not null,
    people bigint,
    checked_at timestamptz not null,
    constraint messaging_limits_pkey primary key (phone_number_id),
    constraint messaging_limits_are_some check (people > 0)
);
comment on table messaging_limits is 'How many people may be written to in 24 hours outside their window, as Meta last told; null is no limit.';

create view ops.reminders as
select
    reminders.id,
    reminders.template,
    reminders.language,
    case
        when attempt.delivery = 'failed' then 'failed'
        when attempt.delivered_at is not null then 'delivered'
        when reminders.waits_for_template is not null and reminders.state = 'scheduled' then 'waiting'
        else reminders.state
    end as state,
    reminders.reason,
    reminders.run_at,
    case when reminders.state = 'sent' then reminders.settled_at end as sent_at,
    attempt.delivered_at,
    attempt.delivery_error_code as error_code
from reminders
left join lateral (
    select send_attempts.delivery, send_attempts.delivered_at, send_attempts.delivery_error_code
    from send_attempts
    where send_attempts.reminder_id = reminders.id
    order by send_attempts.number desc
    limit 1
) as attempt on true;
comment on view ops.reminders is 'One row a reminder: how far it has come.';
comment on column ops.reminders.state is
    'scheduled, waiting (for its template), sent (Meta took it), delivered, failed (it did not arrive), withheld (with the reason), cancelled.';

create or replace view ops.queue_depth as
select
    coalesce(depth.queue, ours.queue) as queue,
    coalesce(depth.ready, 0) as ready,
    coalesce(depth.deferred, 0) as deferred,
    coalesce(depth.running, 0) as running,
    coalesce(depth.dead, 0) as dead,
    coalesce(extract(epoch from now() - depth.oldest_ready), 0)::double precision as oldest_ready_s
from apalis_lease.queue_depth as depth
full join (values ('messages'), ('local_reading'), ('reminders')) as ours (queue) on ours.queue = depth.queue;
