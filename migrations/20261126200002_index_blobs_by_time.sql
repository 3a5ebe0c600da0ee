-- no-transaction
-- Why: the sweep looks at the photos of some days only, not at all that there are. Locks nothing for
-- long: made concurrently.
create index concurrently blobs_by_time on blobs (stored_at);
