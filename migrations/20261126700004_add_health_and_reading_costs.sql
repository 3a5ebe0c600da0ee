-- Why: the dashboard shows how the tables are and what a month's readings cost, without adding up
-- the past; and dead jobs are told apart by what they died of, not by the call in which they did.
-- Locks nothing: a table, views and a function that are new. What was paid for before is counted here.

create function cause_of(reason text) returns text
language sql immutable parallel safe as $$
    select regexp_replace(reason, ', (req_|fbtrace_id )[A-Za-z0-9_-]+', '', 'g')
$$;
comment on function cause_of(text) is 'A job''s reason without the ids of the other side''s requests, which differ from call to call.';

-- By the two indexes from number to number, not through all messages.
create view numbers_written_to as
with recursive by_phone as (
    select min(phone_number_id) as id from messages where phone is not null
    union all
    select (
        select min(phone_number_id) from messages where phone is not null and phone_number_id > by_phone.id
    )
    from by_phone
    where by_phone.id is not null
),
by_user_id as (
    select min(phone_number_id) as id from messages where user_id is not null
    union all
    select (
        select min(phone_number_id) from messages where user_id is not null and phone_number_id > by_user_id.id
    )
    from by_user_id
    where by_user_id.id is not null
)
select id from by_phone where id is not null
union
select id from by_user_id where id is not null;
comment on view numbers_written_to is 'Meta''s ids of the numbers of ours that somebody has written to.';

create table reading_costs (
    month date not null,
    engine text not null,
    model text not null,
    readings bigint not null default 0,
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cost_micro_usd bigint,
    constraint reading_costs_pkey primary key (month, engine, model),
    constraint reading_costs_month_is_its_first_day check (extract(day from month) = 1)
);
comment on table reading_costs is 'Readings that somebody was paid for, counted with the reading: one row a month, engine and model. Outlives the readings.';

insert into reading_costs (month, engine, model, readings, input_tokens, output_tokens, cost_micro_usd)
select
    date_trunc('month', read_at at time zone 'UTC')::date,
    engine,
    model,
    count(*),
    sum(input_tokens),
    sum(output_tokens),
    sum(cost_micro_usd)
from readings
where model is not null
group by 1, 2, 3;

create view ops.reading_costs as
select month, engine, model, readings, input_tokens, output_tokens, cost_micro_usd
from reading_costs;
comment on view ops.reading_costs is 'What reading photos has cost, by month, engine and model: counted as photos are read, so that this costs the same at any history.';
comment on column ops.reading_costs.month is 'First day of the month, UTC.';
comment on column ops.reading_costs.engine is 'As in OCR_ENGINES.';
comment on column ops.reading_costs.model is 'As the other side names it.';
comment on column ops.reading_costs.readings is 'Photos that were read.';
comment on column ops.reading_costs.input_tokens is 'Tokens that were read, pictures included.';
comment on column ops.reading_costs.output_tokens is 'Tokens that were written.';
comment on column ops.reading_costs.cost_micro_usd is 'Millionths of a US dollar, by the prices that this version knows; null where it knows none.';

create view ops.table_health as
select
    format('%s.%s', tables.schemaname, tables.relname) as name,
    pg_total_relation_size(tables.relid) as bytes,
    tables.n_live_tup as live_rows,
    tables.n_dead_tup as dead_rows,
    greatest(tables.last_autovacuum, tables.last_vacuum) as vacuumed_at
from pg_stat_user_tables as tables
where tables.schemaname in ('public', 'apalis_lease');
comment on view ops.table_health is 'How each table is: its size, and what vacuum has not been through yet.';
comment on column ops.table_health.name is 'With its schema.';
comment on column ops.table_health.bytes is 'On disk, with indexes and photos.';
comment on column ops.table_health.live_rows is 'As Postgres estimates.';
comment on column ops.table_health.dead_rows is 'Gone, and not vacuumed away yet: claims walk over those of the queue.';
comment on column ops.table_health.vacuumed_at is 'When vacuum was last through; null: never since the statistics were reset.';

create view ops.oldest_snapshot as
select min(xact_start) as oldest_snapshot_at
from pg_stat_activity
where backend_xmin is not null and pid <> pg_backend_pid();
comment on view ops.oldest_snapshot is 'Since when the oldest open transaction holds vacuum back.';
comment on column ops.oldest_snapshot.oldest_snapshot_at is 'Null when none is open. Minutes are no good sign.';
