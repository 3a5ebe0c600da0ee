-- no-transaction
-- Why: whoever erases a message asks which wish it told.
-- Locks nothing for long: made concurrently.
create index concurrently opt_outs_by_message on opt_outs (message_id) where message_id is not null;
