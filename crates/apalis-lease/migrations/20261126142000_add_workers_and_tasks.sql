-- Why: whoever looks at the queue wants to see who works on it, and every job in one list whatever
-- its state. Locks: nothing that exists; both objects are new.

create table apalis_lease.workers (
    instance     bigint      not null,
    name         text        not null,
    queue        text        not null,
    slots        integer     not null,
    started_at   timestamptz not null default now(),
    heartbeat_at timestamptz not null default now(),

    constraint workers_are_registered_once primary key (instance),
    constraint workers_have_slots check (slots >= 1)
)
with (fillfactor = 50);
comment on table apalis_lease.workers is
    'Workers, each from its first heartbeat to its drain. One that was killed stays, with an old heartbeat, for a day. Nothing that claims or rescues reads this: leases are in apalis_lease.jobs.';
comment on column apalis_lease.workers.instance is 'A number that the worker drew when it was made.';
comment on column apalis_lease.workers.name is
    'As in apalis_lease.jobs.worker. Two workers may have the same.';
comment on column apalis_lease.workers.queue is 'The queue it claims from.';
comment on column apalis_lease.workers.slots is 'How many jobs it may run at once.';
comment on column apalis_lease.workers.started_at is 'When it first reached Postgres.';
comment on column apalis_lease.workers.heartbeat_at is 'When it last did. Five times in a lease.';

create view apalis_lease.tasks as
select
    id, queue, state, key, group_key, priority, run_at, attempt, max_attempts, payload,
    trace_parent, created_at, worker, started_at, null::timestamptz as done_at, reason
from apalis_lease.jobs
union all
select
    id, queue, outcome, key, group_key, priority, run_at, attempt, max_attempts, payload,
    trace_parent, created_at, null, null, done_at, reason
from apalis_lease.done_jobs;
comment on view apalis_lease.tasks is
    'Every job there is a row of: those that are not done and those that are over. Ordered or limited by id it reads no more than it shows.';
comment on column apalis_lease.tasks.state is 'waiting, paused, running, dead; done or cancelled.';
comment on column apalis_lease.tasks.done_at is 'When it was over; null while it is not.';
