-- Why: throughput, latency and failures of each step are shown without counting over the past. What
-- has ended is counted once, minute by minute, with histograms from which percentiles can be had.
-- Locks nothing: new tables and functions only. The queue's history that there is already is
-- counted by the first worker that starts, a minute of it at a time.

create table step_minutes (
    minute timestamptz not null,
    step text not null,
    done bigint not null default 0,
    failed bigint not null default 0,
    put_off bigint not null default 0,
    waiting integer[] not null default '{}',
    running integer[] not null default '{}',
    constraint step_minutes_pkey primary key (minute, step),
    constraint step_minutes_are_counts check (done >= 0 and failed >= 0 and put_off >= 0)
)
-- The current minute's rows are updated every few seconds: with room in the page they stay there.
with (fillfactor = 70);
comment on table step_minutes is 'What ended in each minute, by step, counted once. message, read_locally and remind are jobs, from the queue''s history; extract, match_customer, record, reply and follow_move are steps of a message, and answer its whole way, as the workers measured them.';
comment on column step_minutes.put_off is 'Ended without having been tried in earnest: a Retry-After, a pause, a turn that was not ours yet.';
comment on column step_minutes.waiting is 'From ready to begun, of jobs that were done: a histogram, see histogram_note.';
comment on column step_minutes.running is 'From begun to ended, of those done or failed: a histogram, see histogram_note.';

create table failure_hours (
    hour timestamptz not null,
    step text not null,
    outcome text not null,
    reason text not null,
    failures bigint not null,
    last_at timestamptz not null,
    constraint failure_hours_pkey primary key (hour, step, outcome, reason),
    constraint failure_hours_outcome_known check (outcome in ('retry', 'give_up', 'lost', 'not_before', 'halt'))
);
comment on table failure_hours is 'What did not get done in each hour, by step and reason, counted once. Nothing personal: reasons are the jobs''.';

insert into watermarks (name, reached_at)
select 'step_minutes', coalesce(min(ended_at) - interval '1 second', now())
from apalis_lease.attempts;

-- Buckets by upper bound: 1 ms, then each 2^(1/4) times the one before; the hundredth holds all that
-- is over 6.6 hours. So a percentile is at most 19 % off, and usually far less.
create function histogram_note(buckets integer[], ms double precision) returns integer[]
language plpgsql immutable parallel safe as $$
declare
    place integer;
begin
    if ms is null then
        return buckets;
    end if;
    place := case
        when ms <= 1 then 1
        when ms >= 1e8 then 100
        else least(100, 1 + ceil(4 * ln(ms) / ln(2)))
    end;
    buckets := coalesce(buckets, array_fill(0, array[100]));
    buckets[place] := buckets[place] + 1;
    return buckets;
end
$$;
comment on function histogram_note(integer[], double precision) is 'Counts one measurement in milliseconds. Null is no measurement.';

create function histogram_end(buckets integer[]) returns integer[]
language sql immutable parallel safe as $$
    select coalesce(
        buckets[1:(
            select max(place)
            from unnest(buckets) with ordinality as counted (runs, place)
            where runs > 0
        )],
        '{}'
    )
$$;
comment on function histogram_end(integer[]) is 'Without the empty buckets at its end.';

create aggregate histogram(double precision) (
    sfunc = histogram_note,
    stype = integer[],
    finalfunc = histogram_end
);
comment on aggregate histogram(double precision) is 'Counts measurements in milliseconds by buckets; see histogram_percentile.';

create function histogram_add(one integer[], other integer[]) returns integer[]
language sql immutable parallel safe as $$
    select coalesce(array_agg(coalesce(a, 0) + coalesce(b, 0) order by place), '{}')
    from unnest(one, other) with ordinality as both_of_them (a, b, place)
$$;
comment on function histogram_add(integer[], integer[]) is 'Two histograms as one.';

create aggregate histogram_sum(integer[]) (
    sfunc = histogram_add,
    stype = integer[],
    initcond = '{}'
);
comment on aggregate histogram_sum(integer[]) is 'Many histograms as one.';

create function histogram_percentile(buckets integer[], fraction double precision)
returns double precision
language sql immutable parallel safe as $$
    select round((lower + (upper - lower) * (fraction * total - (up_to - runs)) / runs)::numeric, 1)
    from (
        select
            runs,
            sum(runs) over (order by place)::double precision as up_to,
            sum(runs) over ()::double precision as total,
            case place when 1 then 0 else 2 ^ ((place - 2) / 4.0::double precision) end as lower,
            2 ^ ((place - 1) / 4.0::double precision) as upper,
            place
        from unnest(buckets) with ordinality as counted (runs, place)
    ) as counted
    where runs > 0 and up_to >= fraction * total
    order by place
    limit 1
$$;
comment on function histogram_percentile(integer[], double precision) is 'Milliseconds that so many of the measurements stayed below (0.95: of 95 in 100), at most 19 % off. Null without measurements.';

-- One attempt of one job is counted here once: whoever calls this holds the watermark.
create function roll_up_attempts(after timestamptz, up_to timestamptz) returns bigint
language sql as $$
    with ended as materialized (
        select
            case attempts.queue
                when 'messages' then 'message'
                when 'local_reading' then 'read_locally'
                when 'reminders' then 'remind'
                else attempts.queue
            end as job,
            substring(
                attempts.reason from '^(extract|match_customer|record|reply|follow_move): '
            ) as step,
            attempts.ended_at,
            attempts.outcome,
            -- What differs from call to call, and is for the other side's support, is left out.
            left(regexp_replace(
                attempts.reason,
                '^(extract|match_customer|record|reply|follow_move): |, (req_|fbtrace_id )[A-Za-z0-9_-]+',
                '', 'g'
            ), 200) as reason,
            extract(epoch from attempts.ended_at - attempts.started_at)::double precision * 1000 as ran_ms,
            extract(epoch from attempts.started_at - greatest(done.run_at, done.created_at))::double precision * 1000
                as waited_ms
        from apalis_lease.attempts
        left join apalis_lease.done_jobs as done
            on done.id = attempts.job_id and done.run = attempts.run
        where attempts.ended_at > after and attempts.ended_at <= up_to
            and attempts.outcome <> 'cancelled'
    ),
    counted as (
        select ended_at, job as step, outcome, waited_ms, ran_ms
        from ended
        union all
        select ended_at, step, outcome, null, null
        from ended
        where step is not null and outcome <> 'done'
    ),
    minutes as (
        insert into step_minutes (minute, step, done, failed, put_off, waiting, running)
        select
            date_trunc('minute', ended_at),
            step,
            count(*) filter (where outcome = 'done'),
            count(*) filter (where outcome in ('retry', 'give_up', 'lost')),
            count(*) filter (where outcome in ('not_before', 'halt')),
            histogram(waited_ms),
            histogram(ran_ms) filter (where outcome in ('done', 'retry', 'give_up'))
        from counted
        group by 1, 2
        order by 1, 2
        on conflict (minute, step) do update
        set done = step_minutes.done + excluded.done,
            failed = step_minutes.failed + excluded.failed,
            put_off = step_minutes.put_off + excluded.put_off,
            waiting = histogram_add(step_minutes.waiting, excluded.waiting),
            running = histogram_add(step_minutes.running, excluded.running)
    ),
    failures as (
        insert into failure_hours (hour, step, outcome, reason, failures, last_at)
        select date_trunc('hour', ended_at), coalesce(step, job), outcome, reason, count(*), max(ended_at)
        from ended
        where outcome <> 'done'
        group by 1, 2, 3, 4
        order by 1, 2, 3, 4
        on conflict (hour, step, outcome, reason) do update
        set failures = failure_hours.failures + excluded.failures,
            last_at = greatest(failure_hours.last_at, excluded.last_at)
    )
    select count(*) from ended
$$;
comment on function roll_up_attempts(timestamptz, timestamptz) is 'Counts the attempts that ended after one moment and not after another. The caller must hold the watermark step_minutes, and move it in the same transaction.';
