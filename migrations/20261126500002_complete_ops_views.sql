-- Why: what an operator asks is answered by views, each at the same cost however long the history is.
-- Locks nothing: views and comments only.

create view ops.throughput as
select minute, step, done, failed, put_off
from step_minutes;
comment on view ops.throughput is 'How much was done in each minute, by step. Counted as it ends, at most 15 s late; minutes in which nothing ended have no row. Ask for a span of minutes: where minute > now() - interval ''1 hour''.';
comment on column ops.throughput.minute is 'Its beginning.';
comment on column ops.throughput.step is 'Jobs: message, read_locally, remind (each try counts). Steps of a message: extract, match_customer, record, reply, follow_move. answer: a message''s whole way, from webhook to Meta having the answer.';
comment on column ops.throughput.done is 'Ended well.';
comment on column ops.throughput.failed is 'Ended badly: tried again, given up, or lost with its worker.';
comment on column ops.throughput.put_off is 'Waits for somebody else: a Retry-After, a paused number, a turn to send, a template.';

create view ops.latency as
select
    minute,
    step,
    histogram_percentile(running, 0.5) as p50_ms,
    histogram_percentile(running, 0.95) as p95_ms,
    histogram_percentile(running, 0.99) as p99_ms,
    histogram_percentile(waiting, 0.5) as wait_p50_ms,
    histogram_percentile(waiting, 0.95) as wait_p95_ms,
    histogram_percentile(waiting, 0.99) as wait_p99_ms
from step_minutes;
comment on view ops.latency is 'How long steps took that ended in each minute, and how long jobs had waited for a worker. From histograms: at most 19 % off. Ask for a span of minutes.';
comment on column ops.latency.minute is 'Its beginning.';
comment on column ops.latency.step is 'As in ops.throughput.';
comment on column ops.latency.p50_ms is 'Half of them took at most so long, in milliseconds, from begun to ended.';
comment on column ops.latency.p95_ms is '95 of 100 took at most so long.';
comment on column ops.latency.p99_ms is '99 of 100 took at most so long.';
comment on column ops.latency.wait_p50_ms is 'Half of the jobs began at most so long after they were ready. Null for what is no job.';
comment on column ops.latency.wait_p95_ms is '95 of 100 began at most so long after.';
comment on column ops.latency.wait_p99_ms is '99 of 100 began at most so long after.';

create view ops.steps as
select
    step,
    sum(done)::bigint as done,
    sum(failed)::bigint as failed,
    sum(put_off)::bigint as put_off,
    histogram_percentile(histogram_sum(running), 0.5) as p50_ms,
    histogram_percentile(histogram_sum(running), 0.95) as p95_ms,
    histogram_percentile(histogram_sum(running), 0.99) as p99_ms,
    histogram_percentile(histogram_sum(waiting), 0.5) as wait_p50_ms,
    histogram_percentile(histogram_sum(waiting), 0.95) as wait_p95_ms,
    histogram_percentile(histogram_sum(waiting), 0.99) as wait_p99_ms
from step_minutes
where minute > now() - interval '1 hour'
group by step;
comment on view ops.steps is 'Each step over the last hour: ops.throughput and ops.latency in one line.';
comment on column ops.steps.step is 'As in ops.throughput.';
comment on column ops.steps.done is 'Ended well.';
comment on column ops.steps.failed is 'Ended badly.';
comment on column ops.steps.put_off is 'Waits for somebody else.';
comment on column ops.steps.p50_ms is 'As in ops.latency.';
comment on column ops.steps.p95_ms is 'As in ops.latency.';
comment on column ops.steps.p99_ms is 'As in ops.latency.';
comment on column ops.steps.wait_p50_ms is 'As in ops.latency.';
comment on column ops.steps.wait_p95_ms is 'As in ops.latency.';
comment on column ops.steps.wait_p99_ms is 'As in ops.latency.';

create view ops.failures as
select
    step,
    reason,
    sum(failures)::bigint as count,
    max(last_at) as last_at,
    outcome
from failure_hours
where hour > now() - interval '24 hours'
group by step, reason, outcome;
comment on view ops.failures is 'Why attempts did not end well, over the last 24 hours to the hour.';
comment on column ops.failures.step is 'Where it happened: as in ops.throughput.';
comment on column ops.failures.reason is 'In our words, with the other side''s codes and without its request ids; see apalis_lease.attempts for those.';
comment on column ops.failures.count is 'How many attempts ended so.';
comment on column ops.failures.last_at is 'The last time.';
comment on column ops.failures.outcome is 'retry (tried again after a pause), give_up (dead), lost (with its worker), not_before (waits for what somebody else asked for), halt (its number was paused).';

create view ops.stuck_jobs as
select
    jobs.id as job,
    (jobs.payload ->> 'message_id')::bigint as message,
    jobs.attempt as attempts,
    case
        when paused_queues.queue is not null then 'its queue is paused: ' || coalesce(paused_queues.reason, 'not said why')
        when paused_groups.group_key is not null then 'its number is paused: ' || coalesce(paused_groups.reason, 'not said why')
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
comment on view ops.stuck_jobs is 'Jobs that should have been done by now and are not dead: nobody takes them for 5 minutes, they run for over 6, their worker is gone for a minute, their number is paused, or they have been tried or put off for 5 minutes and wait for another try.';
comment on column ops.stuck_jobs.job is 'As in apalis_lease.jobs.';
comment on column ops.stuck_jobs.message is 'As in ops.messages; null for a reminder.';
comment on column ops.stuck_jobs.attempts is 'Counted attempts so far.';
comment on column ops.stuck_jobs.reason is 'What it waits for, or why its last attempt did not end it.';
comment on column ops.stuck_jobs.since is 'Since when.';
comment on column ops.stuck_jobs.queue is 'As in ops.queue_depth.';
comment on column ops.stuck_jobs.state is 'waiting, paused or running.';
comment on column ops.stuck_jobs.next_try_at is 'Not before then; null unless it waits.';

create view ops.entries as
select
    entries.id,
    entries.message_id as message,
    entries.customer_id as customer,
    entries.state,
    entries.total_minor,
    entries.currency,
    entries.tax_minor,
    entries.receipt_date,
    entries.category,
    entries.booked_at,
    entries.confirmed_at,
    entries.duplicate_of,
    (
        select count(*)
        from entry_revisions
        where entry_revisions.entry_id = entries.id
    ) as revisions
from entries;
comment on view ops.entries is 'One row an entry. The merchant and the photo are not here: this schema holds nothing that was read in words.';
comment on column ops.entries.id is 'Ours; grows.';
comment on column ops.entries.message is 'The photo''s message, as in ops.messages.';
comment on column ops.entries.customer is 'Stripe''s id.';
comment on column ops.entries.state is 'booked; incomplete: total or currency is unknown and the sender was asked; duplicate: not exported until the sender says that it is a new one.';
comment on column ops.entries.total_minor is 'In minor units of the currency (JPY has 0 decimals, KWD 3); null: unknown.';
comment on column ops.entries.currency is 'ISO 4217; null: unknown.';
comment on column ops.entries.tax_minor is 'The printed tax, in minor units; null: unknown.';
comment on column ops.entries.receipt_date is 'As printed; null: unknown.';
comment on column ops.entries.category is 'null: unknown.';
comment on column ops.entries.booked_at is 'When it was written.';
comment on column ops.entries.confirmed_at is 'When the sender said that it is right.';
comment on column ops.entries.duplicate_of is 'The entry that it repeats, or seemed to.';
comment on column ops.entries.revisions is 'How often something in it was changed.';

create view ops.replies as
select
    replies.id,
    replies.message_id as message,
    replies.part,
    replies.outcome,
    replies.language,
    case
        when attempt.delivery = 'failed' then 'failed'
        when attempt.delivery = 'read' then 'read'
        when attempt.delivered_at is not null then 'delivered'
        when replies.state = 'owed' and replies.waits_for_template is not null then 'waiting'
        else replies.state
    end as state,
    replies.reason,
    attempt.form,
    coalesce(attempt.number, 0) as attempts,
    coalesce(attempt.delivery_error_code, attempt.error_code) as error_code,
    replies.created_at,
    case when replies.state = 'sent' then replies.settled_at end as sent_at,
    attempt.delivered_at
from replies
left join lateral (
    select
        send_attempts.number, send_attempts.form, send_attempts.error_code,
        send_attempts.delivery, send_attempts.delivery_error_code, send_attempts.delivered_at
    from send_attempts
    where send_attempts.reply_id = replies.id
    order by send_attempts.number desc
    limit 1
) as attempt on true;
comment on view ops.replies is 'One row for each thing that is said to a sender: how far it has come. Not its words.';
comment on column ops.replies.id is 'Ours; grows.';
comment on column ops.replies.message is 'What it answers, as in ops.messages.';
comment on column ops.replies.part is 'answer; before it at most one delay (it takes longer) and one notice (not done now).';
comment on column ops.replies.outcome is 'What is said: entry, not_a_receipt, unreadable, help …';
comment on column ops.replies.language is 'In which language.';
comment on column ops.replies.state is 'owed, waiting (for its template), sent (Meta took it), delivered, read, failed (it did not arrive), withheld (with the reason).';
comment on column ops.replies.reason is 'Why it is withheld, or what it waits for.';
comment on column ops.replies.form is 'text or template, of the last attempt; null before the first.';
comment on column ops.replies.attempts is 'How often it was sent or tried to be.';
comment on column ops.replies.error_code is 'Meta''s code for what went wrong with the last attempt.';
comment on column ops.replies.created_at is 'When it was owed.';
comment on column ops.replies.sent_at is 'When Meta took it.';
comment on column ops.replies.delivered_at is 'When we heard that the phone has it.';

create view ops.workers as
select
    workers.name as worker,
    workers.queue,
    case when workers.heartbeat_at > now() - interval '15 seconds' then 'alive' else 'silent' end as state,
    workers.slots,
    (
        select count(*)
        from apalis_lease.jobs
        where jobs.state = 'running' and jobs.worker = workers.name and jobs.queue = workers.queue
    ) as holds,
    workers.started_at,
    workers.heartbeat_at,
    extract(epoch from now() - workers.heartbeat_at)::double precision as heartbeat_age_s
from apalis_lease.workers;
comment on view ops.workers is 'One row a worker and queue that it takes jobs from. Who ends well takes its rows away; who was killed stays, silent, for a day.';
comment on column ops.workers.worker is 'Drawn anew at each start.';
comment on column ops.workers.queue is 'As in ops.queue_depth.';
comment on column ops.workers.state is 'alive, or silent: not heard of for a whole lease, its jobs are taken over.';
comment on column ops.workers.slots is 'How many jobs it may run at once.';
comment on column ops.workers.holds is 'How many it holds now.';
comment on column ops.workers.started_at is 'When it first reached Postgres.';
comment on column ops.workers.heartbeat_at is 'When it last did.';
comment on column ops.workers.heartbeat_age_s is 'Seconds since.';

-- Columns that earlier migrations left without a word.
comment on column ops.queue_depth.queue is 'messages (a message on its way), local_reading (a photo to be read on this machine), reminders.';
comment on column ops.messages.id is 'Ours; grows. Logs and traces call it message.id.';
comment on column ops.messages.kind is 'media (photo or document), text, choice (a button), other_media, moved (another number), silent (nothing to answer).';
comment on column ops.dead_jobs.job is 'As in apalis_lease.jobs.';
comment on column ops.dead_jobs.message is 'As in ops.messages; null for a reminder.';
comment on column ops.dead_jobs.attempts is 'How often it was tried.';
comment on column ops.dead_jobs.reason is 'Why the last attempt failed: the step, then what went wrong.';
comment on column ops.dead_jobs.since is 'When it gave up.';
comment on column ops.dead_jobs.queue is 'As in ops.queue_depth.';
comment on column ops.costs.billable_messages is 'Messages that Meta charges for.';
comment on column ops.costs.free_messages is 'Messages that it does not charge for.';
comment on column ops.templates.name is 'As at Meta.';
comment on column ops.templates.language is 'As at Meta.';
comment on column ops.templates.reason is 'Why it was rejected, paused or disabled, in Meta''s word.';
comment on column ops.templates.category is 'What it is billed as: UTILITY, MARKETING …';
comment on column ops.templates.quality is 'GREEN, YELLOW, RED, UNKNOWN, as Meta last told.';
comment on column ops.templates.waiting_replies is 'Answers that wait for it.';
comment on column ops.templates.status_told_at is 'Meta''s time of that status.';
comment on column ops.templates.synced_at is 'When its words were last listed.';
comment on column ops.waiting_replies.message is 'As in ops.messages.';
comment on column ops.waiting_replies.template is 'As in ops.templates.';
comment on column ops.waiting_replies.language is 'As in ops.templates.';
comment on column ops.waiting_replies.reason is 'How the template stands.';
comment on column ops.waiting_replies.since is 'When the answer was owed.';
comment on column ops.reminders.id is 'Ours; grows.';
comment on column ops.reminders.template is 'As in ops.templates.';
comment on column ops.reminders.language is 'As in ops.templates.';
comment on column ops.reminders.reason is 'Why it is withheld, or what it waits for.';
comment on column ops.reminders.run_at is 'Not before then.';
comment on column ops.reminders.sent_at is 'When Meta took it.';
comment on column ops.reminders.delivered_at is 'When we heard that the phone has it.';
comment on column ops.reminders.error_code is 'Meta''s code, where it did not arrive.';
