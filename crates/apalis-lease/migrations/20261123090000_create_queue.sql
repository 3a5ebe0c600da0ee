-- Why: the queue's own tables, in a schema of their own, so that a job can be written in the
-- transaction that makes it necessary.
-- Locks: nothing that exists; every object is new.

create table apalis_lease.jobs (
    id           bigint      generated always as identity,
    queue        text        not null,
    key          text,
    state        text        not null default 'waiting',
    priority     smallint    not null default 1,
    run_at       timestamptz not null default now(),
    attempt      integer     not null default 0,
    max_attempts integer     not null,
    run          integer     not null default 0,
    payload      jsonb       not null,
    trace_parent text,
    created_at   timestamptz not null default now(),
    worker       text,
    started_at   timestamptz,
    lease_until  timestamptz,
    lease_ms     integer,
    reason       text,
    dead_since   timestamptz,

    constraint jobs_have_one_id primary key (id),
    constraint jobs_state_is_known check (state in ('waiting', 'running', 'dead')),
    constraint jobs_priority_is_known check (priority between 0 and 2),
    constraint jobs_queue_is_a_name check (octet_length(queue) between 1 and 200),
    constraint jobs_key_is_short check (octet_length(key) between 1 and 1000),
    constraint jobs_attempts_have_a_limit check (max_attempts >= 1),
    constraint jobs_attempts_keep_the_limit check (attempt between 0 and max_attempts),
    constraint jobs_attempts_are_runs check (run >= 0),
    constraint jobs_running_is_leased check (
        (state = 'running') = (worker is not null)
        and (state = 'running') = (started_at is not null)
        and (state = 'running') = (lease_until is not null)
        and (state = 'running') = (lease_ms is not null)
    ),
    constraint jobs_running_is_an_attempt check (state <> 'running' or (attempt >= 1 and run >= 1)),
    constraint jobs_lease_has_a_length check (lease_ms > 0),
    constraint jobs_dead_has_a_reason check (
        (state = 'dead') = (dead_since is not null)
        and (state <> 'dead' or reason is not null)
    )
)
-- Heartbeats touch no indexed column: with room in the page they stay heap-only. Every row is
-- written a few times and deleted, so vacuum has to come often and without naps.
with (
    fillfactor = 80,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0
);

-- A key stands for one job that is not done: waiting, running or dead.
create unique index jobs_one_per_key on apalis_lease.jobs (queue, key) where key is not null;
-- Exactly the order of claiming. A priority's ready jobs are one stretch of this index, and the
-- deferred ones come after it: a claim stops before the first of them.
create index jobs_to_claim on apalis_lease.jobs (queue, priority, run_at, id) where state = 'waiting';
-- What runs is never more than all slots of all workers; the rescue reads this and no more.
create index jobs_running on apalis_lease.jobs (id) where state = 'running';
create index jobs_dead on apalis_lease.jobs (queue, dead_since, id) where state = 'dead';

comment on table apalis_lease.jobs is
    'Jobs that are not done: waiting, running or dead. A done job moves to apalis_lease.done_jobs.';
comment on column apalis_lease.jobs.id is 'Grows; kept when the job moves to apalis_lease.done_jobs.';
comment on column apalis_lease.jobs.queue is 'Name of the queue; workers claim from one queue.';
comment on column apalis_lease.jobs.key is
    'Optional; among the jobs of a queue that are not done, a key occurs once.';
comment on column apalis_lease.jobs.state is
    'waiting (ready once run_at has passed, deferred before), running (leased by a worker) or dead (gave up; see reason).';
comment on column apalis_lease.jobs.priority is '0 first, 1 normal, 2 last. Within one priority by run_at, then id.';
comment on column apalis_lease.jobs.run_at is 'Not started before this moment. A retry moves it.';
comment on column apalis_lease.jobs.attempt is
    'Attempts started so far, the running one included. Never above max_attempts.';
comment on column apalis_lease.jobs.max_attempts is 'After this many failed or lost attempts the job is dead.';
comment on column apalis_lease.jobs.run is
    'The fence: grows with every claim and never shrinks. Whoever settles must name it.';
comment on column apalis_lease.jobs.payload is 'What the handler is given.';
comment on column apalis_lease.jobs.trace_parent is 'W3C traceparent of whoever enqueued the job.';
comment on column apalis_lease.jobs.created_at is 'When the enqueuing transaction began.';
comment on column apalis_lease.jobs.worker is 'Name of the worker that holds the lease, while running.';
comment on column apalis_lease.jobs.started_at is 'When the running attempt was claimed.';
comment on column apalis_lease.jobs.lease_until is
    'By Postgres''s clock; heartbeats move it. Once past, any worker may rescue the job.';
comment on column apalis_lease.jobs.lease_ms is
    'Length of the lease in milliseconds: a rescuer must have been connected for as long.';
comment on column apalis_lease.jobs.reason is 'Why the last attempt did not end the job.';
comment on column apalis_lease.jobs.dead_since is 'When the job gave up, while dead.';

create table apalis_lease.done_jobs (
    id           bigint      not null,
    queue        text        not null,
    key          text,
    priority     smallint    not null,
    run_at       timestamptz not null,
    attempt      integer     not null,
    max_attempts integer     not null,
    run          integer     not null,
    payload      jsonb       not null,
    trace_parent text,
    created_at   timestamptz not null,
    done_at      timestamptz not null,

    constraint done_jobs_have_one_id primary key (id)
);
create index done_jobs_by_age on apalis_lease.done_jobs (done_at);

comment on table apalis_lease.done_jobs is
    'Jobs that ended well, until apalis_lease.prune removes them. Nothing that claims reads this.';
comment on column apalis_lease.done_jobs.id is 'The id the job had in apalis_lease.jobs.';
comment on column apalis_lease.done_jobs.queue is 'As in apalis_lease.jobs.';
comment on column apalis_lease.done_jobs.key is 'As in apalis_lease.jobs; free for a new job by now.';
comment on column apalis_lease.done_jobs.priority is 'As in apalis_lease.jobs.';
comment on column apalis_lease.done_jobs.run_at is 'The moment before which the last attempt was not to start.';
comment on column apalis_lease.done_jobs.max_attempts is 'As in apalis_lease.jobs.';
comment on column apalis_lease.done_jobs.payload is 'As in apalis_lease.jobs.';
comment on column apalis_lease.done_jobs.trace_parent is 'As in apalis_lease.jobs.';
comment on column apalis_lease.done_jobs.created_at is 'As in apalis_lease.jobs.';
comment on column apalis_lease.done_jobs.attempt is 'The counted attempt that succeeded, from 1.';
comment on column apalis_lease.done_jobs.run is 'The claim that succeeded; see apalis_lease.jobs.run.';
comment on column apalis_lease.done_jobs.done_at is 'When the last attempt was settled.';

create table apalis_lease.attempts (
    job_id     bigint      not null,
    run        integer     not null,
    queue      text        not null,
    attempt    integer     not null,
    worker     text        not null,
    started_at timestamptz not null,
    ended_at   timestamptz not null,
    outcome    text        not null,
    reason     text,

    constraint attempts_are_told_once primary key (job_id, run),
    constraint attempts_outcome_is_known
        check (outcome in ('done', 'retry', 'not_before', 'give_up', 'lost')),
    constraint attempts_failure_has_a_reason check (outcome = 'done' or reason is not null)
);
create index attempts_by_end on apalis_lease.attempts (ended_at);

comment on table apalis_lease.attempts is
    'One row for each ended attempt of each job. A running attempt is in apalis_lease.jobs.';
comment on column apalis_lease.attempts.job_id is 'In apalis_lease.jobs, or in done_jobs since it is done.';
comment on column apalis_lease.attempts.queue is 'The queue of the job.';
comment on column apalis_lease.attempts.worker is 'Name of the worker that ran it.';
comment on column apalis_lease.attempts.run is 'Which claim of the job this was; the fence it was settled under.';
comment on column apalis_lease.attempts.attempt is
    'Counted number of the attempt, from 1. One that ended not_before gives its number back.';
comment on column apalis_lease.attempts.started_at is 'When it was claimed.';
comment on column apalis_lease.attempts.ended_at is 'When it was settled, or found lost.';
comment on column apalis_lease.attempts.outcome is
    'done, retry, not_before (put off, not counted), give_up, or lost (its lease lapsed and the job was taken over).';
comment on column apalis_lease.attempts.reason is 'In the handler''s words; null when done.';

create table apalis_lease.paused_queues (
    queue  text        not null,
    since  timestamptz not null default now(),
    reason text,

    constraint paused_queues_are_paused_once primary key (queue)
);
comment on table apalis_lease.paused_queues is
    'Queues nobody claims from. What runs goes on. See apalis_lease.pause_queue and resume_queue.';
comment on column apalis_lease.paused_queues.queue is 'Name of the queue; it need not have jobs.';
comment on column apalis_lease.paused_queues.since is 'When it was paused.';
comment on column apalis_lease.paused_queues.reason is 'In the words of whoever paused it.';

create view apalis_lease.queue_depth as
select
    queue,
    count(*) filter (where state = 'waiting' and run_at <= now()) as ready,
    count(*) filter (where state = 'waiting' and run_at > now()) as deferred,
    count(*) filter (where state = 'running') as running,
    count(*) filter (where state = 'dead') as dead,
    min(run_at) filter (where state = 'waiting' and run_at <= now()) as oldest_ready
from apalis_lease.jobs
group by queue;
comment on view apalis_lease.queue_depth is
    'Jobs that are not done, by queue. A queue without any has no row. Never reads finished jobs.';
comment on column apalis_lease.queue_depth.ready is 'Could start now.';
comment on column apalis_lease.queue_depth.deferred is 'Wait for their run_at.';
comment on column apalis_lease.queue_depth.running is 'Are held by a worker.';
comment on column apalis_lease.queue_depth.dead is 'Gave up; see apalis_lease.retry_job.';
comment on column apalis_lease.queue_depth.oldest_ready is 'Since when the longest waiting ready job has been ready; null if none is.';

create function apalis_lease.retry_job(job_id bigint) returns boolean
language plpgsql as $$
declare
    woken text;
begin
    update apalis_lease.jobs
    set state = 'waiting', attempt = 0, run_at = now(), dead_since = null
    where id = job_id and state = 'dead'
    returning queue into woken;
    if woken is null then
        return false;
    end if;
    perform pg_notify('apalis_lease', woken);
    return true;
end
$$;
comment on function apalis_lease.retry_job(bigint) is
    'Makes a dead job ready again with all its attempts. False, and nothing changed, if it is not dead.';

create function apalis_lease.pause_queue(queue_name text, why text) returns boolean
language sql as $$
    with paused as (
        insert into apalis_lease.paused_queues (queue, reason)
        values (queue_name, why)
        on conflict (queue) do nothing
        returning queue
    )
    select exists (select from paused)
$$;
comment on function apalis_lease.pause_queue(text, text) is
    'Nobody claims from this queue until resume_queue. What runs goes on. False if it was paused already.';

create function apalis_lease.resume_queue(queue_name text) returns boolean
language plpgsql as $$
begin
    delete from apalis_lease.paused_queues where queue = queue_name;
    if not found then
        return false;
    end if;
    perform pg_notify('apalis_lease', queue_name);
    return true;
end
$$;
comment on function apalis_lease.resume_queue(text) is
    'Ends pause_queue and wakes the workers. False if the queue was not paused.';

create function apalis_lease.prune(older_than interval, at_most integer default 1000) returns integer
language sql as $$
    with old as (
        select id
        from apalis_lease.done_jobs
        where done_at < now() - older_than
        order by done_at
        limit at_most
        for update skip locked
    ),
    gone as (
        delete from apalis_lease.done_jobs as d
        using old
        where d.id = old.id
        returning d.id
    ),
    forgotten as (
        delete from apalis_lease.attempts as a
        using old
        where a.job_id = old.id
    )
    select count(*)::integer from gone
$$;
comment on function apalis_lease.prune(interval, integer) is
    'Removes at most so many of the oldest done jobs, with their attempts. Call it again until it returns 0.';
