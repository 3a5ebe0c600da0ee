-- Why: the jobs of one group within a queue (those of one sender, one tenant) can be paused while
-- the others flow, by a person or by a handler that halts. Paused jobs leave the index of claiming,
-- so that a claim walks over each of them once and never again.
-- Locks: apalis_lease.jobs against everything while its rows, which are only those not done, are
-- checked and indexed; tens of milliseconds for each hundred thousand.

alter table apalis_lease.jobs
    add column group_key text,
    add constraint jobs_group_is_short check (octet_length(group_key) between 1 and 200),
    drop constraint jobs_state_is_known,
    add constraint jobs_state_is_known check (state in ('waiting', 'paused', 'running', 'dead')),
    add constraint jobs_paused_has_a_group check (state <> 'paused' or group_key is not null),
    -- A claim of such a job would break the limit, and with it the claim of every job beside it.
    add constraint jobs_waiting_has_an_attempt_left
        check (state not in ('waiting', 'paused') or attempt < max_attempts);

create index jobs_paused on apalis_lease.jobs (queue, group_key, id) where state = 'paused';

comment on column apalis_lease.jobs.group_key is
    'Optional; jobs of one queue and group are paused and resumed together. See apalis_lease.pause_group.';
comment on column apalis_lease.jobs.state is
    'waiting (ready once run_at has passed, deferred before), paused (was ready when its group was paused; resume_group makes it waiting), running (leased by a worker) or dead (gave up; see reason).';

alter table apalis_lease.done_jobs add column group_key text;
comment on column apalis_lease.done_jobs.group_key is 'As in apalis_lease.jobs.';

alter table apalis_lease.attempts
    drop constraint attempts_outcome_is_known,
    add constraint attempts_outcome_is_known
        check (outcome in ('done', 'retry', 'not_before', 'halt', 'give_up', 'lost'));
comment on column apalis_lease.attempts.outcome is
    'done, retry, not_before (put off, not counted), halt (paused its group or queue, not counted), give_up, or lost (its lease lapsed and the job was taken over).';

create table apalis_lease.paused_groups (
    queue     text        not null,
    group_key text        not null,
    since     timestamptz not null default now(),
    reason    text,

    constraint paused_groups_are_paused_once primary key (queue, group_key)
);
comment on table apalis_lease.paused_groups is
    'Groups whose jobs nobody claims. What runs goes on. Written by pause_group, resume_group and handlers that halt; by hand only through those, or jobs stay paused.';
comment on column apalis_lease.paused_groups.queue is 'Name of the queue.';
comment on column apalis_lease.paused_groups.group_key is 'The group; it need not have jobs.';
comment on column apalis_lease.paused_groups.since is 'When it was paused.';
comment on column apalis_lease.paused_groups.reason is 'In the words of whoever paused it.';

create table apalis_lease.resumptions (
    queue      text        not null,
    group_key  text        not null,
    resumed_at timestamptz not null,

    constraint resumptions_are_the_last primary key (queue, group_key)
);
comment on table apalis_lease.resumptions is
    'When a group or queue was last resumed: a run that began before cannot halt it again, since what it met may be mended.';
comment on column apalis_lease.resumptions.queue is 'Name of the queue.';
comment on column apalis_lease.resumptions.group_key is 'The group; empty for the whole queue.';
comment on column apalis_lease.resumptions.resumed_at is 'The last time, by Postgres''s clock.';

create or replace view apalis_lease.queue_depth as
select
    queue,
    count(*) filter (where state = 'waiting' and run_at <= now()) as ready,
    count(*) filter (where state = 'waiting' and run_at > now()) as deferred,
    count(*) filter (where state = 'running') as running,
    count(*) filter (where state = 'dead') as dead,
    min(run_at) filter (where state = 'waiting' and run_at <= now()) as oldest_ready,
    count(*) filter (where state = 'paused') as paused
from apalis_lease.jobs
group by queue;
comment on column apalis_lease.queue_depth.paused is
    'Wait for their group to be resumed. Jobs of a paused group that no claim has met yet are counted ready.';

create function apalis_lease.pause_group(queue_name text, group_name text, why text) returns boolean
language sql as $$
    with paused as (
        insert into apalis_lease.paused_groups (queue, group_key, reason)
        values (queue_name, group_name, why)
        on conflict (queue, group_key) do nothing
        returning queue
    )
    select exists (select from paused)
$$;
comment on function apalis_lease.pause_group(text, text, text) is
    'Nobody claims jobs of this group of this queue until resume_group, those that come later included. What runs goes on. Takes no time, however many jobs wait. False if it was paused already.';

create function apalis_lease.resume_group(queue_name text, group_name text) returns boolean
language plpgsql as $$
declare
    was_paused boolean;
begin
    -- The jobs are looked for after the pause is gone, by a snapshot of that later moment:
    -- a claim may be setting some aside right now.
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'resume_group needs a transaction of isolation read committed';
    end if;
    delete from apalis_lease.paused_groups where queue = queue_name and group_key = group_name;
    was_paused := found;
    update apalis_lease.jobs
    set state = 'waiting'
    where queue = queue_name and group_key = group_name and state = 'paused';
    if not (was_paused or found) then
        return false;
    end if;
    insert into apalis_lease.resumptions (queue, group_key, resumed_at)
    values (queue_name, group_name, clock_timestamp())
    on conflict (queue, group_key) do update set resumed_at = excluded.resumed_at;
    perform pg_notify('apalis_lease', queue_name);
    return true;
end
$$;
comment on function apalis_lease.resume_group(text, text) is
    'Ends pause_group, in the order the jobs had, and wakes the workers. False if the group was not paused.';

create or replace function apalis_lease.resume_queue(queue_name text) returns boolean
language plpgsql as $$
begin
    delete from apalis_lease.paused_queues where queue = queue_name;
    if not found then
        return false;
    end if;
    insert into apalis_lease.resumptions (queue, group_key, resumed_at)
    values (queue_name, '', clock_timestamp())
    on conflict (queue, group_key) do update set resumed_at = excluded.resumed_at;
    perform pg_notify('apalis_lease', queue_name);
    return true;
end
$$;
