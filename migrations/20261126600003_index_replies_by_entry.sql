-- no-transaction
-- Why: whoever erases an entry asks which answers speak of it.
-- Locks nothing for long: made concurrently.
create index concurrently replies_by_entry on replies (entry_id) where entry_id is not null;
