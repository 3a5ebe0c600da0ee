//! Every statement of this crate, so that they can be read and tuned side by side. The tables
//! they speak of are in `migrations/`. Builds no SQL at run time and opens no connection.

/// Puts one job into the caller's transaction; no row comes back where the key is taken.
/// `$1` queue, `$2` key, `$3` priority, `$4` `run_at` or null, `$5` `max_attempts`,
/// `$6` payload, `$7` traceparent, `$8` group.
pub(crate) const ENQUEUE: &str = "
insert into apalis_lease.jobs
    (queue, key, priority, run_at, max_attempts, payload, trace_parent, group_key)
values ($1, $2, $3, coalesce($4, now()), $5, $6::jsonb, $7, $8)
on conflict (queue, key) where key is not null do nothing
returning id";

/// Puts many jobs into the caller's transaction; one row for each, in the given order, its id
/// null where the key was taken. Sorted by key, since two such statements that insert the same
/// keys in different order would wait for each other for ever.
pub(crate) const ENQUEUE_ALL: &str = "
with given as materialized (
    select
        nextval('apalis_lease.jobs_id_seq') as id,
        g.queue, g.key, g.priority, g.run_at, g.max_attempts, g.payload, g.trace_parent,
        g.group_key, g.place
    from unnest($1::text[], $2::text[], $3::smallint[], $4::timestamptz[], $5::integer[],
                $6::text[], $7::text[], $8::text[])
        with ordinality
        as g (queue, key, priority, run_at, max_attempts, payload, trace_parent, group_key, place)
),
written as (
    insert into apalis_lease.jobs
        (id, queue, key, priority, run_at, max_attempts, payload, trace_parent, group_key)
    overriding system value
    select id, queue, key, priority, coalesce(run_at, now()), max_attempts, payload::jsonb,
           trace_parent, group_key
    from given
    order by queue, key, place
    on conflict (queue, key) where key is not null do nothing
    returning id
)
select written.id
from given
left join written on written.id = given.id
order by given.place";

/// Settings of a connection that claims and settles. Its statements have one right plan each, by
/// index, whatever the statistics say of a table that is empty one minute and full the next;
/// and planning them anew each time would cost more than running them.
pub(crate) const PLAN_BY_INDEX: &str = "
set plan_cache_mode = 'force_generic_plan';
set enable_seqscan = off;
set enable_bitmapscan = off;
set enable_hashjoin = off;
set enable_mergejoin = off;
set jit = off";

/// Takes up to `$2` ready jobs of queue `$1` for worker `$3`, leased for `$4` ms: one index probe
/// for each priority, ending before the first deferred row. Those of a paused group are set aside
/// instead and come back as `paused`: whoever met them once never meets them again. The pause is
/// locked while that is decided, so that a resume sees every job set aside under it.
pub(crate) const CLAIM: &str = "
with due as materialized (
    select ready.id, ready.group_key
    from unnest('{0,1,2}'::smallint[]) as step (priority)
    cross join lateral (
        select j.id, j.group_key
        from apalis_lease.jobs as j
        where j.state = 'waiting'
            and j.queue = $1
            and j.priority = step.priority
            and j.run_at <= now()
        order by j.run_at, j.id
        limit $2
        for update skip locked
    ) as ready
    where not exists (select from apalis_lease.paused_queues as p where p.queue = $1)
    limit $2
),
sorted as materialized (
    select
        due.id,
        case
            when due.group_key is null then 'running'
            when exists (
                select from apalis_lease.paused_groups as p
                where p.queue = $1 and p.group_key = due.group_key
                for key share skip locked
            ) then 'paused'
            else 'running'
        end as next
    from due
)
update apalis_lease.jobs as j
set state = sorted.next,
    attempt = j.attempt + (sorted.next = 'running')::integer,
    run = j.run + (sorted.next = 'running')::integer,
    worker = case sorted.next when 'running' then $3 end,
    started_at = case sorted.next when 'running' then clock_timestamp() end,
    lease_until = case sorted.next
        when 'running' then clock_timestamp() + $4 * interval '1 millisecond'
    end,
    lease_ms = case sorted.next when 'running' then $4 end
from sorted
where j.id = sorted.id
returning j.id, j.run, j.attempt, j.max_attempts, j.priority, j.run_at, j.created_at,
    j.payload::text, j.trace_parent, j.group_key, j.state,
    extract(epoch from clock_timestamp() - greatest(j.run_at, j.created_at))::double precision
        as waited_s";

/// Sets aside the jobs of paused groups among the first `$2` ready ones of each priority of queue
/// `$1`, so that a claim that met one does not meet them one by one.
pub(crate) const SET_ASIDE: &str = "
with met as materialized (
    select ready.id
    from unnest('{0,1,2}'::smallint[]) as step (priority)
    cross join lateral (
        select j.id, j.group_key
        from apalis_lease.jobs as j
        where j.state = 'waiting'
            and j.queue = $1
            and j.priority = step.priority
            and j.run_at <= now()
        order by j.run_at, j.id
        limit $2
    ) as ready
    where ready.group_key is not null
        and exists (
            select from apalis_lease.paused_groups as p
            where p.queue = $1 and p.group_key = ready.group_key
            for key share skip locked
        )
),
held as materialized (
    select j.id
    from met
    join apalis_lease.jobs as j on j.id = met.id
    where j.state = 'waiting'
    order by j.id
    for update of j skip locked
)
update apalis_lease.jobs as j
set state = 'paused'
from held
where j.id = held.id";

/// Milliseconds until the next job of queue `$1` is due, zero or less if one is; null if none
/// waits or the queue is paused.
pub(crate) const NEXT_DUE: &str = "
select (extract(epoch from min(next.run_at) - clock_timestamp()) * 1000)::bigint
from unnest('{0,1,2}'::smallint[]) as step (priority)
cross join lateral (
    select j.run_at
    from apalis_lease.jobs as j
    where j.state = 'waiting'
        and j.queue = $1
        and j.priority = step.priority
    order by j.run_at, j.id
    limit 1
) as next
where not exists (select from apalis_lease.paused_queues as p where p.queue = $1)";

/// Ends many runs at once. Only runs that still hold their job (`id` and `run` match and it is
/// running) are touched, and come back with the job's next state; the others were taken over.
/// A halt pauses the job's group, or its queue where it has none, unless that was resumed since
/// the run began.
/// Locks in the order given, which should be that of ids. Looks up row by row: as a plain join,
/// the planner walks over everything that runs for each of them.
/// `$1` ids, `$2` runs, `$3` verdicts, `$4` delays in ms, `$5` not-befores, `$6` reasons.
pub(crate) const SETTLE: &str = "
with held as materialized (
    select
        j.id, j.run, j.queue, j.key, j.priority, j.run_at, j.attempt, j.max_attempts, j.payload,
        j.trace_parent, j.group_key, j.created_at, j.worker, j.started_at,
        clock_timestamp() as ended_at,
        t.verdict, t.delay_ms, t.not_before, t.reason,
        case
            when t.verdict = 'done' then 'done'
            when t.verdict = 'give_up' then 'dead'
            when t.verdict = 'retry' and j.attempt >= j.max_attempts then 'dead'
            else 'waiting'
        end as next
    from unnest($1::bigint[], $2::integer[], $3::text[], $4::bigint[], $5::timestamptz[],
                $6::text[])
        as t (id, run, verdict, delay_ms, not_before, reason)
    cross join lateral (
        select
            r.id, r.run, r.queue, r.key, r.priority, r.run_at, r.attempt, r.max_attempts,
            r.payload, r.trace_parent, r.group_key, r.created_at, r.worker, r.started_at
        from apalis_lease.jobs as r
        where r.id = t.id and r.run = t.run and r.state = 'running'
        limit 1
        for update
    ) as j
),
gone as (
    delete from apalis_lease.jobs as j
    using held
    where j.id = held.id and held.next = 'done'
),
kept as (
    insert into apalis_lease.done_jobs
        (id, queue, key, priority, run_at, attempt, max_attempts, run, payload, trace_parent,
         group_key, created_at, done_at)
    select id, queue, key, priority, run_at, attempt, max_attempts, run, payload, trace_parent,
        group_key, created_at, ended_at
    from held
    where next = 'done'
),
moved as (
    update apalis_lease.jobs as j
    set state = held.next,
        attempt = j.attempt - (held.verdict in ('not_before', 'halt', 'release'))::integer,
        run_at = case held.verdict
            when 'retry' then held.ended_at + held.delay_ms * interval '1 millisecond'
            when 'not_before' then
                greatest(held.not_before, held.ended_at + interval '100 milliseconds')
            else j.run_at
        end,
        worker = null,
        started_at = null,
        lease_until = null,
        lease_ms = null,
        reason = coalesce(held.reason, j.reason),
        dead_since = case held.next when 'dead' then held.ended_at end
    from held
    where j.id = held.id and held.next <> 'done'
),
noted as (
    insert into apalis_lease.attempts
        (job_id, run, queue, attempt, worker, started_at, ended_at, outcome, reason)
    select id, run, queue, attempt, worker, started_at, ended_at, verdict, reason
    from held
    where verdict <> 'release'
),
halting as materialized (
    select distinct on (h.queue, h.group_key) h.queue, h.group_key, h.reason
    from held as h
    where h.verdict = 'halt'
        and not exists (
            select from apalis_lease.resumptions as r
            where r.queue = h.queue
                and r.group_key = coalesce(h.group_key, '')
                and r.resumed_at > h.started_at
        )
    order by h.queue, h.group_key
),
halted_groups as (
    insert into apalis_lease.paused_groups (queue, group_key, reason)
    select queue, group_key, reason
    from halting
    where group_key is not null
    on conflict (queue, group_key) do nothing
),
halted_queues as (
    insert into apalis_lease.paused_queues (queue, reason)
    select queue, reason
    from halting
    where group_key is null
    on conflict (queue) do nothing
)
select id, run, next from held";

/// Which of the runs `$1` ids, `$2` runs were settled by an earlier statement whose answer was lost.
pub(crate) const SETTLED_BEFORE: &str = "
select a.job_id, a.run, a.outcome
from unnest($1::bigint[], $2::integer[]) as t (id, run)
join apalis_lease.attempts as a on a.job_id = t.id and a.run = t.run
where a.outcome <> 'lost'";

/// Moves the leases of the runs named by `$1` ids and `$2` runs, even lapsed ones, as long as
/// nobody has taken the job over. Comes back with those that are still held. A row that is locked
/// is being settled by its own job's transaction: it is not waited for, which would let every other
/// lease lapse, and needs no lease meanwhile, since a rescue passes locked rows by.
pub(crate) const PROLONG: &str = "
with held as materialized (
    select j.id, j.run
    from unnest($1::bigint[], $2::integer[]) as h (id, run)
    cross join lateral (
        select r.id, r.run
        from apalis_lease.jobs as r
        where r.id = h.id and r.run = h.run and r.state = 'running'
        limit 1
    ) as j
),
free as materialized (
    select j.id
    from held
    cross join lateral (
        select r.id
        from apalis_lease.jobs as r
        where r.id = held.id and r.run = held.run and r.state = 'running'
        limit 1
        for update skip locked
    ) as j
),
prolonged as (
    update apalis_lease.jobs as j
    set lease_until = clock_timestamp() + j.lease_ms * interval '1 millisecond'
    from free
    where j.id = free.id
)
select id, run from held";

/// Takes back jobs whose lease has lapsed, as a lost attempt: ready again, or dead where it was
/// the last. Leaves alone every lease longer than `$1` ms, the time the caller has been connected.
pub(crate) const RESCUE: &str = "
with lapsed as materialized (
    select j.id, j.run, j.queue, j.attempt, j.max_attempts, j.worker, j.started_at
    from apalis_lease.jobs as j
    where j.state = 'running'
        and j.lease_until < clock_timestamp()
        and j.lease_ms <= $1
    order by j.id
    limit 500
    for update skip locked
),
noted as (
    insert into apalis_lease.attempts
        (job_id, run, queue, attempt, worker, started_at, ended_at, outcome, reason)
    select id, run, queue, attempt, worker, started_at, clock_timestamp(), 'lost',
        'its worker was not heard of for a whole lease'
    from lapsed
)
update apalis_lease.jobs as j
set state = case when lapsed.attempt >= lapsed.max_attempts then 'dead' else 'waiting' end,
    run_at = clock_timestamp(),
    worker = null,
    started_at = null,
    lease_until = null,
    lease_ms = null,
    reason = 'its worker was not heard of for a whole lease',
    dead_since = case when lapsed.attempt >= lapsed.max_attempts then clock_timestamp() end
from lapsed
where j.id = lapsed.id
returning j.id, j.queue, j.state";

/// Wakes the workers of the queues `$1`. Never part of a transaction that writes jobs: NOTIFY
/// holds a lock of the whole cluster over the commit's fsync.
pub(crate) const WAKE: &str = "
select pg_notify('apalis_lease', woken.queue)
from unnest($1::text[]) as woken (queue)";

/// How many jobs of queue `$1` are where; no row if there are none.
pub(crate) const DEPTH: &str = "
select ready, deferred, paused, running, dead, oldest_ready,
    coalesce(extract(epoch from now() - oldest_ready), 0)::double precision as oldest_ready_s
from apalis_lease.queue_depth
where queue = $1";

/// Notes that worker `$1` is alive; touches no row if it is not registered.
pub(crate) const HEARTBEAT: &str = "
update apalis_lease.workers
set heartbeat_at = clock_timestamp()
where instance = $1";

/// Registers worker `$1` called `$2` of queue `$3` with `$4` slots, and forgets those that have not
/// been heard of for a day.
pub(crate) const REGISTER: &str = "
with gone as (
    delete from apalis_lease.workers
    where heartbeat_at < now() - interval '1 day'
)
insert into apalis_lease.workers (instance, name, queue, slots)
values ($1, $2, $3, $4)
on conflict (instance) do nothing";

/// Worker `$1` has ended well.
pub(crate) const FORGET: &str = "
delete from apalis_lease.workers
where instance = $1";

/// Workers of queue `$1`, or of all for null.
pub(crate) const LIST_WORKERS: &str = "
select instance, name, queue, started_at, heartbeat_at
from apalis_lease.workers
where $1::text is null or queue = $1
order by queue, name, instance";

/// Queues that have jobs not done, workers or a pause.
pub(crate) const LIST_QUEUES: &str = "
select
    named.queue,
    coalesce(depth.ready, 0) as ready,
    coalesce(depth.deferred, 0) as deferred,
    coalesce(depth.paused, 0) as paused,
    coalesce(depth.running, 0) as running,
    coalesce(depth.dead, 0) as dead,
    depth.oldest_ready,
    array(
        select w.name
        from apalis_lease.workers as w
        where w.queue = named.queue
        order by w.name
    ) as workers
from (
    select queue from apalis_lease.queue_depth
    union
    select queue from apalis_lease.workers
    union
    select queue from apalis_lease.paused_queues
) as named
left join apalis_lease.queue_depth as depth on depth.queue = named.queue
order by named.queue";

/// Jobs of queue `$1` (or all) in the states `$2`, the newest first, `$3` of them from `$4` on.
pub(crate) const LIST_TASKS: &str = "
select id, queue, state, key, priority, run_at, attempt, max_attempts, payload, trace_parent,
    worker, started_at, done_at
from apalis_lease.tasks
where ($1::text is null or queue = $1) and state = any ($2)
order by id desc
limit $3
offset $4";

/// Job `$1`, over or not.
pub(crate) const FETCH_TASK: &str = "
select id, queue, state, key, priority, run_at, attempt, max_attempts, payload, trace_parent,
    worker, started_at, done_at
from apalis_lease.tasks
where id = $1";

/// See the function's comment in Postgres, as for those below.
pub(crate) const RETRY_JOB: &str = "select apalis_lease.retry_job($1)";
pub(crate) const CANCEL_JOB: &str = "select apalis_lease.cancel_job($1, $2)";
pub(crate) const PAUSE_QUEUE: &str = "select apalis_lease.pause_queue($1, $2)";
pub(crate) const RESUME_QUEUE: &str = "select apalis_lease.resume_queue($1)";
pub(crate) const PAUSE_GROUP: &str = "select apalis_lease.pause_group($1, $2, $3)";
pub(crate) const RESUME_GROUP: &str = "select apalis_lease.resume_group($1, $2)";

/// The channel of [`WAKE`]; the payload is the queue's name.
pub(crate) const CHANNEL: &str = "apalis_lease";
