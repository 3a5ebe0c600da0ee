-- no-transaction
-- Why: the jobs of a person's events are found when the person is forgotten. Locks nothing for long:
-- made concurrently.
create index concurrently jobs_by_delivery on apalis_lease.jobs ((payload ->> 'delivery_id'))
where queue = 'events';
