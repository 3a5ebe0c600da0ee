-- Why: what happens to entries is told to the integrator's program: an event is a row of the very
-- transaction that it tells of, and is owed to each endpoint until that has taken it.
-- Locks nothing but views, for a moment: new tables, and views written anew with the same columns.

create table events (
    id bigint generated always as identity,
    uid uuid not null default gen_random_uuid(),
    kind text not null,
    subject text not null,
    message_id bigint,
    sender_id bigint not null,
    phone_number_id text,
    occurred_at timestamptz not null,
    data jsonb not null,
    constraint events_pkey primary key (id),
    constraint events_uid_unique unique (uid),
    constraint events_message_fkey foreign key (message_id) references messages (id) on delete cascade,
    constraint events_sender_fkey foreign key (sender_id) references senders (id),
    constraint events_kind_known check (kind in (
        'entry.booked', 'entry.corrected', 'entry.confirmed', 'entry.failed', 'sender.opted_out'
    ))
);
create index events_by_message on events (message_id) where message_id is not null;
create index events_by_sender on events (sender_id);
create index events_by_time on events (occurred_at);
comment on table events is 'What happened to entries and senders, for the integrator. Written in the transaction in which it happened; kept for RETAIN_HISTORY_DAYS, and as long as it is owed to an endpoint. data is personal: it holds the merchant.';
comment on column events.uid is 'What the integrator knows it by: evt_ and this in hex. The same in every try and every redelivery.';
comment on column events.subject is 'Events of one subject are delivered in their order: a photo''s message, or a sender.';
comment on column events.phone_number_id is 'The number that was written to; null where a wish was told of no number.';
comment on column events.data is 'As it stood when it happened; docs/events.md has the members.';

create table event_endpoints (
    id bigint generated always as identity,
    url text not null,
    state text not null default 'active',
    reason text,
    changed_at timestamptz not null,
    failures integer not null default 0,
    failing_since timestamptz,
    next_try_at timestamptz,
    last_failure text,
    last_delivered_at timestamptz,
    constraint event_endpoints_pkey primary key (id),
    constraint event_endpoints_url_unique unique (url),
    constraint event_endpoints_state_known check (state in ('active', 'paused', 'retired')),
    constraint event_endpoints_paused_has_reason check (state <> 'paused' or reason is not null),
    constraint event_endpoints_failing_is_counted check ((failures = 0) = (failing_since is null))
);
comment on table event_endpoints is 'Where events go: EVENT_URLS, as a worker last found it. paused: it kept failing, or is gone; retired: not in EVENT_URLS any more.';
comment on column event_endpoints.failures is 'Since its last success, all events together.';
comment on column event_endpoints.next_try_at is 'While it fails nothing is sent before then, and then one event to see.';

create table event_deliveries (
    id bigint generated always as identity,
    event_id bigint not null,
    endpoint_id bigint not null,
    subject text not null,
    state text not null default 'pending',
    attempts integer not null default 0,
    claimed_until timestamptz,
    failing_since timestamptz,
    next_try_at timestamptz,
    last_attempt_at timestamptz,
    last_failure text,
    delivered_at timestamptz,
    constraint event_deliveries_pkey primary key (id),
    constraint event_deliveries_once_an_endpoint unique (event_id, endpoint_id),
    constraint event_deliveries_event_fkey foreign key (event_id) references events (id) on delete cascade,
    constraint event_deliveries_endpoint_fkey foreign key (endpoint_id) references event_endpoints (id),
    constraint event_deliveries_state_known check (state in ('pending', 'delivered', 'given_up')),
    constraint event_deliveries_delivered_has_time check (state <> 'delivered' or delivered_at is not null)
);
-- Which of a subject's events goes first? What does an endpoint still owe?
create index event_deliveries_pending on event_deliveries (endpoint_id, subject, event_id) where state = 'pending';
create index event_deliveries_given_up on event_deliveries (endpoint_id) where state = 'given_up';
comment on table event_deliveries is 'One event to one endpoint: pending until it answered 2xx, or given up because it alone was refused for days. Each has a job on the queue events.';
comment on column event_deliveries.claimed_until is 'Until then one worker is at it: nobody else sends it, nor what follows it.';

-- What an entry's events say of it.
create view event_entries as
select
    entries.id as entry_id,
    entries.message_id,
    entries.sender_id,
    messages.phone_number_id,
    entries.state,
    jsonb_build_object(
        'entry', entries.id,
        'message', entries.message_id,
        'sender', entries.sender_id,
        'customer', entries.customer_id,
        'number', messages.phone_number_id,
        'state', entries.state,
        'merchant', entries.merchant,
        'total_minor', entries.total_minor,
        'tax_minor', entries.tax_minor,
        'currency', entries.currency,
        'date', entries.receipt_date,
        'category', entries.category,
        'duplicate_of', entries.duplicate_of,
        'booked_at', entries.booked_at,
        'confirmed_at', entries.confirmed_at
    ) as data
from entries
join messages on messages.id = entries.message_id;
comment on view event_entries is 'Entries with the data that their events hold.';

create view ops.event_endpoints as
select
    endpoint.id,
    split_part(endpoint.url, '?', 1) as url,
    case
        when endpoint.state = 'active' and endpoint.failures > 0 then 'failing'
        else endpoint.state
    end as state,
    coalesce(endpoint.reason, endpoint.last_failure) as reason,
    endpoint.changed_at,
    endpoint.failures,
    endpoint.failing_since,
    endpoint.next_try_at,
    endpoint.last_delivered_at,
    owed.pending,
    owed.oldest_pending_at,
    (
        select count(*)
        from event_deliveries as given_up
        where given_up.endpoint_id = endpoint.id and given_up.state = 'given_up'
    ) as given_up
from event_endpoints as endpoint
cross join lateral (
    select count(*) as pending, min(events.occurred_at) as oldest_pending_at
    from event_deliveries as delivery
    join events on events.id = delivery.event_id
    where delivery.endpoint_id = endpoint.id and delivery.state = 'pending'
) as owed;
comment on view ops.event_endpoints is 'One row for each endpoint that events go to.';
comment on column ops.event_endpoints.id is 'Ours.';
comment on column ops.event_endpoints.url is 'As in EVENT_URLS, without its query.';
comment on column ops.event_endpoints.state is 'active; failing: its last answers were no success; paused: nothing is sent until `paragon events resume`; retired: not in EVENT_URLS any more.';
comment on column ops.event_endpoints.reason is 'Why it is paused, or what its last failure was.';
comment on column ops.event_endpoints.changed_at is 'When it was made, paused, resumed or retired.';
comment on column ops.event_endpoints.failures is 'Failures since its last success.';
comment on column ops.event_endpoints.failing_since is 'The first of them.';
comment on column ops.event_endpoints.next_try_at is 'While it fails, nothing is sent before then.';
comment on column ops.event_endpoints.last_delivered_at is 'When it last took an event.';
comment on column ops.event_endpoints.pending is 'Events that it is owed.';
comment on column ops.event_endpoints.oldest_pending_at is 'When the oldest of them happened.';
comment on column ops.event_endpoints.given_up is 'Events that it alone refused for days, and that are sent no more unless redelivered.';

create view ops.event_deliveries as
select
    delivery.id,
    'evt_' || replace(events.uid::text, '-', '') as event,
    events.kind as type,
    events.message_id as message,
    delivery.endpoint_id as endpoint,
    delivery.state,
    events.occurred_at,
    delivery.attempts,
    delivery.last_attempt_at,
    delivery.next_try_at,
    delivery.delivered_at,
    delivery.last_failure as reason
from event_deliveries as delivery
join events on events.id = delivery.event_id;
comment on view ops.event_deliveries is 'One row for each event and endpoint. What the event says is not here.';
comment on column ops.event_deliveries.id is 'Ours; grows.';
comment on column ops.event_deliveries.event is 'As the endpoint knows it: its webhook-id.';
comment on column ops.event_deliveries.type is 'entry.booked, entry.corrected, entry.confirmed, entry.failed, sender.opted_out.';
comment on column ops.event_deliveries.message is 'The photo''s message, as in ops.messages; null for sender.opted_out.';
comment on column ops.event_deliveries.endpoint is 'As in ops.event_endpoints.';
comment on column ops.event_deliveries.state is 'pending, delivered, given_up.';
comment on column ops.event_deliveries.occurred_at is 'When it happened.';
comment on column ops.event_deliveries.attempts is 'How often it was sent or tried to be.';
comment on column ops.event_deliveries.last_attempt_at is 'The last time.';
comment on column ops.event_deliveries.next_try_at is 'Not before then, after a failure.';
comment on column ops.event_deliveries.delivered_at is 'When the endpoint answered 2xx.';
comment on column ops.event_deliveries.reason is 'What went wrong the last time.';

create or replace view ops.queue_depth as
select
    coalesce(depth.queue, ours.queue) as queue,
    coalesce(depth.ready, 0) as ready,
    coalesce(depth.deferred, 0) as deferred,
    coalesce(depth.running, 0) as running,
    coalesce(depth.dead, 0) as dead,
    coalesce(extract(epoch from now() - depth.oldest_ready), 0)::double precision as oldest_ready_s
from apalis_lease.queue_depth as depth
full join (values ('messages'), ('local_reading'), ('reminders'), ('events')) as ours (queue)
    on ours.queue = depth.queue;
comment on column ops.queue_depth.queue is 'messages (a message on its way), local_reading (a photo to be read on this machine), reminders, events (an event to be delivered).';

create or replace view ops.stuck_jobs as
select
    jobs.id as job,
    (jobs.payload ->> 'message_id')::bigint as message,
    jobs.attempt as attempts,
    case
        when paused_queues.queue is not null then 'its queue is paused: ' || coalesce(paused_queues.reason, 'not said why')
        when paused_groups.group_key is not null then
            case jobs.queue when 'events' then 'its endpoint is paused: ' else 'its number is paused: ' end
            || coalesce(paused_groups.reason, 'not said why')
        when jobs.state = 'running' and jobs.lease_until < now() then 'its worker is not heard of, and no other has taken it over'
        when jobs.state = 'running' then 'has been running for longer than any job should'
        when jobs.run_at <= now() then 'is ready, and no worker takes it'
        else coalesce(jobs.reason, 'waits for its time')
    end as reason,
    case
        when paused_queues.queue is not null then greatest(paused_queues.since, jobs.created_at)
        when paused_groups.group_key is not null then greatest(paused_groups.since, jobs.created_at)
        when jobs.state = 'running' then jobs.started_at
        when jobs.run_at <= now() then greatest(jobs.run_at, jobs.created_at)
        else jobs.created_at
    end as since,
    jobs.queue,
    jobs.state,
    case when jobs.state = 'waiting' then jobs.run_at end as next_try_at
from apalis_lease.jobs
left join apalis_lease.paused_queues on paused_queues.queue = jobs.queue and jobs.state <> 'running'
left join apalis_lease.paused_groups
    on paused_groups.queue = jobs.queue and paused_groups.group_key = jobs.group_key
    and jobs.state <> 'running'
where jobs.state in ('waiting', 'paused', 'running')
    and case
        when jobs.state = 'running' then
            least(jobs.lease_until + interval '1 minute', jobs.started_at + interval '6 minutes') < now()
        when jobs.state = 'paused' then true
        when jobs.run_at <= now() then
            greatest(jobs.run_at, jobs.created_at) < now() - interval '5 minutes'
        -- Put off or tried again, not merely scheduled.
        else jobs.run > 0 and jobs.created_at < now() - interval '5 minutes'
    end;
comment on view ops.stuck_jobs is 'Jobs that should have been done by now and are not dead: nobody takes them for 5 minutes, they run for over 6, their worker is gone for a minute, their number or endpoint is paused, or they have been tried or put off for 5 minutes and wait for another try.';
comment on column ops.stuck_jobs.message is 'As in ops.messages; null for a reminder or an event.';
comment on column ops.dead_jobs.message is 'As in ops.messages; null for a reminder or an event.';
comment on column ops.throughput.step is 'Jobs: message, read_locally, remind, events (each try counts). Steps of a message: extract, match_customer, record, reply, follow_move. answer: a message''s whole way, from webhook to Meta having the answer.';
