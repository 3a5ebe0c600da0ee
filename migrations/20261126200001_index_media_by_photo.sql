-- no-transaction
-- Why: bytes that no message is tied to are swept, and each row that goes asks whether a message is
-- tied to it. Locks nothing for long: made concurrently.
create index concurrently media_by_photo on media (sha256) where sha256 is not null;
