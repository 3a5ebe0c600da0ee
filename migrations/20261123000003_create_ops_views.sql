-- Why: what operators and dashboards read. Names and columns are an interface: other people's
-- scripts use them, so columns may be added, never renamed. Locks nothing: views only.

create schema ops;
comment on schema ops is 'Views for operators: stable names and columns, nothing to write, nothing personal.';

create view ops.queue_depth as
select
    coalesce(depth.queue, ours.queue) as queue,
    coalesce(depth.ready, 0) as ready,
    coalesce(depth.deferred, 0) as deferred,
    coalesce(depth.running, 0) as running,
    coalesce(depth.dead, 0) as dead,
    coalesce(extract(epoch from now() - depth.oldest_ready), 0)::double precision as oldest_ready_s
from apalis_lease.queue_depth as depth
-- A queue with nothing in it is worth a line too: 0 is an answer.
full join (values ('messages'), ('local_reading')) as ours (queue) on ours.queue = depth.queue;
comment on view ops.queue_depth is 'How much work waits, for each queue. Done jobs are elsewhere and cost this nothing.';
comment on column ops.queue_depth.ready is 'Could start now.';
comment on column ops.queue_depth.deferred is 'Wait for a time: a retry''s backoff, a Retry-After.';
comment on column ops.queue_depth.running is 'Held by a worker under a lease.';
comment on column ops.queue_depth.dead is 'Gave up; see ops.dead_jobs.';
comment on column ops.queue_depth.oldest_ready_s is 'Seconds that the oldest ready job has waited; 0 when none does.';

create view ops.messages as
select
    messages.id,
    messages.kind,
    case
        when attempt.delivery = 'failed' then 'failed'
        when attempt.delivered_at is not null then 'delivered'
        when replies.state = 'sent' then 'replied'
        when replies.state = 'withheld' then 'withheld'
        when entries.id is not null then entries.state
        when matches.message_id is not null then 'matched'
        when reading.verdict is not null then reading.verdict
        when media.state <> 'stored' then media.state
        else 'accepted'
    end as state,
    messages.received_at,
    messages.accepted_at,
    reading.read_at,
    matches.matched_at,
    entries.booked_at,
    case when replies.state = 'sent' then replies.settled_at end as replied_at,
    attempt.delivered_at,
    split_part(messages.trace_parent, '-', 2) as trace_id
from messages
left join media on media.message_id = messages.id
left join lateral (
    select readings.verdict, readings.read_at
    from readings
    where readings.message_id = messages.id
    order by readings.verdict = 'receipt' desc, readings.total_unscaled is not null desc, readings.read_at
    limit 1
) as reading on true
left join matches on matches.message_id = messages.id
left join entries on entries.message_id = messages.id
left join replies on replies.message_id = messages.id and replies.part = 'answer'
left join lateral (
    select send_attempts.delivery, send_attempts.delivered_at
    from send_attempts
    where send_attempts.reply_id = replies.id
    order by send_attempts.number desc
    limit 1
) as attempt on true;
comment on view ops.messages is 'One row a message: how far it has come and when it got there.';
comment on column ops.messages.state is
    'accepted, pending (photo to be fetched), lost (photo not to be had), receipt / not_a_receipt / unreadable (read), matched, booked / incomplete, replied, delivered, failed (the answer did not arrive), withheld (no answer could lawfully be sent).';
comment on column ops.messages.received_at is 'When the webhook reached us.';
comment on column ops.messages.accepted_at is 'When it was in Postgres.';
comment on column ops.messages.read_at is 'When the photo was read.';
comment on column ops.messages.matched_at is 'When the Stripe customer was known.';
comment on column ops.messages.booked_at is 'When the entry was written.';
comment on column ops.messages.replied_at is 'When Meta took the answer.';
comment on column ops.messages.delivered_at is 'When we heard that the phone has it.';
comment on column ops.messages.trace_id is 'The trace from webhook to answer.';

create view ops.dead_jobs as
select
    jobs.id as job,
    (jobs.payload ->> 'message_id')::bigint as message,
    jobs.attempt as attempts,
    jobs.reason,
    jobs.dead_since as since,
    jobs.queue
from apalis_lease.jobs
where jobs.state = 'dead';
comment on view ops.dead_jobs is 'Jobs that gave up, with the last reason. select apalis_lease.retry_job(job) runs one again.';
