-- no-transaction
-- Why: whoever asks what became of one message wants its jobs and their attempts. Locks nothing for
-- long: made concurrently. A text, so that no payload whatsoever is refused by it.
create index concurrently jobs_by_message on apalis_lease.jobs ((payload ->> 'message_id'));
