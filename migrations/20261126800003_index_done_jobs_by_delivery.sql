-- no-transaction
-- Why: the same of jobs that are over. Locks nothing for long: made concurrently.
create index concurrently done_jobs_by_delivery on apalis_lease.done_jobs ((payload ->> 'delivery_id'))
where queue = 'events';
