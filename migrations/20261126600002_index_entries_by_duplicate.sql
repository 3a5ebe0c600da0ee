-- no-transaction
-- Why: whoever erases an entry asks which others repeat it, for each one; without this that reads
-- all entries, 85 ms for each at a million.
-- Locks nothing for long: made concurrently.
create index concurrently entries_by_duplicate on entries (duplicate_of) where duplicate_of is not null;
