-- Why: a job that is not wanted any more can be cancelled, dead jobs can be retried by reason, and
-- the history says how each job ended. Locks: apalis_lease.done_jobs and apalis_lease.attempts
-- against everything while their checks are replaced; existing rows are not read.

alter table apalis_lease.done_jobs
    add column outcome text not null default 'done',
    add column reason text,
    add constraint done_jobs_outcome_is_known
        check (outcome in ('done', 'cancelled')) not valid,
    add constraint done_jobs_cancelled_has_a_reason
        check (outcome = 'done' or reason is not null) not valid,
    add constraint done_jobs_done_has_run
        check (outcome <> 'done' or (attempt >= 1 and run >= 1)) not valid;
comment on table apalis_lease.done_jobs is
    'Jobs that are over, done or cancelled, until apalis_lease.prune removes them. Nothing that claims reads this.';
comment on column apalis_lease.done_jobs.outcome is
    'done (its handler said so) or cancelled (by cancel_job; it may never have run).';
comment on column apalis_lease.done_jobs.reason is 'Why it was cancelled; null when done.';
comment on column apalis_lease.done_jobs.attempt is 'Counted attempts, the last one included.';
comment on column apalis_lease.done_jobs.run is 'The last claim; see apalis_lease.jobs.run.';
comment on column apalis_lease.done_jobs.done_at is 'When it was settled or cancelled.';

alter table apalis_lease.attempts
    drop constraint attempts_outcome_is_known,
    add constraint attempts_outcome_is_known check (
        outcome in ('done', 'retry', 'not_before', 'halt', 'give_up', 'lost', 'cancelled')
    ) not valid;
comment on column apalis_lease.attempts.outcome is
    'done, retry, not_before (put off, not counted), halt (paused its group or queue, not counted), give_up, lost (its lease lapsed and the job was taken over) or cancelled (while it ran).';

create function apalis_lease.cancel_job(job_id bigint, why text) returns boolean
language sql as $$
    with gone as (
        delete from apalis_lease.jobs
        where id = job_id
        returning id, queue, key, group_key, state, priority, run_at, attempt, max_attempts, run,
            payload, trace_parent, created_at, worker, started_at
    ),
    kept as (
        insert into apalis_lease.done_jobs
            (id, queue, key, group_key, priority, run_at, attempt, max_attempts, run, payload,
             trace_parent, created_at, done_at, outcome, reason)
        select id, queue, key, group_key, priority, run_at, attempt, max_attempts, run, payload,
            trace_parent, created_at, clock_timestamp(), 'cancelled', coalesce(why, 'not said')
        from gone
    ),
    noted as (
        insert into apalis_lease.attempts
            (job_id, run, queue, attempt, worker, started_at, ended_at, outcome, reason)
        select id, run, queue, attempt, worker, started_at, clock_timestamp(), 'cancelled',
            coalesce(why, 'not said')
        from gone
        where state = 'running'
    )
    select exists (select from gone)
$$;
comment on function apalis_lease.cancel_job(bigint, text) is
    'Ends a job that is not done, whatever its state, and frees its key. A handler that is running it is not interrupted: it finds JobContext::still_held false at the next heartbeat, and what it says is not written. False if there is no such job, or it is over.';

create function apalis_lease.retry_dead(
    queue_name text,
    reason_like text default '%',
    since timestamptz default '-infinity',
    until timestamptz default 'infinity',
    at_most integer default 1000
) returns integer
language plpgsql as $$
declare
    retried integer;
begin
    with chosen as (
        select id
        from apalis_lease.jobs
        where state = 'dead'
            and queue = queue_name
            and reason like reason_like
            and dead_since >= since
            and dead_since < until
        order by dead_since, id
        limit at_most
        for update skip locked
    )
    update apalis_lease.jobs as j
    set state = 'waiting', attempt = 0, run_at = now(), dead_since = null
    from chosen
    where j.id = chosen.id;
    get diagnostics retried = row_count;
    if retried > 0 then
        perform pg_notify('apalis_lease', queue_name);
    end if;
    return retried;
end
$$;
comment on function apalis_lease.retry_dead(text, text, timestamptz, timestamptz, integer) is
    'Makes dead jobs of a queue ready again with all their attempts: those whose reason matches (as in LIKE) and that died from since on and before until, the longest dead first, at most so many. Call it again until it returns 0. Their number beforehand: select count(*) from apalis_lease.jobs with the same conditions and state = ''dead''.';
