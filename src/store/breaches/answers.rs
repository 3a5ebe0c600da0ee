//! Entries, answers and events: a receipt has its entry, of which an event tells, and whoever is owed
//! an answer has it. A message of which a job is not over may still get either.

use super::{Found, Rows, Scope, Span, StoreError, Tx, rows};
use crate::domain::breach::Breach;

/// What is not as it must be among the messages of `span`.
pub(super) async fn among(tx: &mut Tx, scope: &Scope, span: Span) -> Result<Found, StoreError> {
    Ok(vec![
        (Breach::ReceiptWithoutEntry, receipts_without_entry(tx, scope, span).await?),
        (Breach::EntryWithoutReceipt, entries_without_receipt(tx, scope, span).await?),
        (Breach::EntryWithoutAnswer, entries_without_answer(tx, scope, span).await?),
        (Breach::MessageWithoutAnswer, without_answer(tx, scope, span).await?),
        (Breach::AnswerWithoutEntry, answers_without_entry(tx, scope, span).await?),
        (Breach::AnswerNotSent, not_sent(tx, scope, span).await?),
        (Breach::AnswerNotTaken, not_taken(tx, scope, span).await?),
        (Breach::AnswerTakenTwice, taken_twice(tx, scope, span).await?),
        (Breach::EntryWithoutEvent, entries_without_event(tx, scope, span).await?),
    ])
}

async fn receipts_without_entry(
    tx: &mut Tx,
    scope: &Scope,
    span: Span,
) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select id from messages
         where id > $1 and id <= $2 and accepted_at < $3
           and exists (
               select from readings where message_id = messages.id and verdict = 'receipt'
           )
           and not exists (select from entries where message_id = messages.id)
           and not exists (
               select from apalis_lease.jobs where payload ->> 'message_id' = messages.id::text
           )",
        span.after,
        span.up_to,
        scope.settled_before
    ))
}

async fn entries_without_receipt(
    tx: &mut Tx,
    scope: &Scope,
    span: Span,
) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select entries.id from entries
         where message_id > $1 and message_id <= $2 and booked_at < $3
           and not exists (
               select from readings
               where readings.message_id = entries.message_id and verdict = 'receipt'
           )",
        span.after,
        span.up_to,
        scope.settled_before
    ))
}

async fn entries_without_answer(
    tx: &mut Tx,
    scope: &Scope,
    span: Span,
) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select entries.id from entries
         where message_id > $1 and message_id <= $2 and booked_at < $3
           and not exists (
               select from replies
               where replies.message_id = entries.message_id and part = 'answer'
           )
           and not exists (
               select from apalis_lease.jobs
               where payload ->> 'message_id' = entries.message_id::text
           )",
        span.after,
        span.up_to,
        scope.settled_before
    ))
}

/// Photos and other media without an entry. Who is over the limit, or not served, is told once a day
/// and not for each photo: an answer of that kind to the same sender, of about that day, stands for it.
async fn without_answer(tx: &mut Tx, scope: &Scope, span: Span) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select id from messages
         where id > $1 and id <= $2 and accepted_at < $3 and kind in ('media', 'other_media')
           and not exists (select from entries where message_id = messages.id)
           and not exists (
               select from replies where message_id = messages.id and part = 'answer'
           )
           and not exists (
               select from apalis_lease.jobs where payload ->> 'message_id' = messages.id::text
           )
           and not exists (
               select from media where message_id = messages.id and state = 'pending'
           )
           and not exists (
               select from messages as other
               join replies on replies.message_id = other.id
               where other.phone_number_id = messages.phone_number_id
                 and (other.phone = messages.phone or other.user_id = messages.user_id)
                 and other.sent_at between messages.sent_at - interval '3 days'
                                       and messages.sent_at + interval '3 days'
                 and replies.outcome in ('over_limit', 'not_a_customer')
           )",
        span.after,
        span.up_to,
        scope.settled_before
    ))
}

async fn answers_without_entry(tx: &mut Tx, scope: &Scope, span: Span) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select replies.id from replies
         join messages on messages.id = replies.message_id and messages.kind = 'media'
         where message_id > $1 and message_id <= $2 and created_at < $3 and part = 'answer'
           and outcome in ('booked', 'incomplete', 'duplicate')
           and not exists (
               select from entries where entries.message_id = replies.message_id
           )",
        span.after,
        span.up_to,
        scope.settled_before
    ))
}

/// What waits for a template to be approved is in `ops.waiting_replies`, and flows on by itself.
async fn not_sent(tx: &mut Tx, scope: &Scope, span: Span) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select id from replies
         where message_id > $1 and message_id <= $2 and created_at < $3
           and part = 'answer' and state = 'owed' and waits_for_template is null
           and not exists (
               select from apalis_lease.jobs
               where payload ->> 'message_id' = replies.message_id::text
           )",
        span.after,
        span.up_to,
        scope.settled_before
    ))
}

async fn not_taken(tx: &mut Tx, scope: &Scope, span: Span) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select id from replies
         where message_id > $1 and message_id <= $2 and created_at < $3 and state = 'sent'
           and not exists (
               select from send_attempts
               where reply_id = replies.id and send_attempts.outcome = 'accepted'
           )",
        span.after,
        span.up_to,
        scope.settled_before
    ))
}

/// One that failed on its way and was sent again is not meant.
async fn taken_twice(tx: &mut Tx, scope: &Scope, span: Span) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select replies.id from replies
         join send_attempts on send_attempts.reply_id = replies.id
         where message_id > $1 and message_id <= $2 and created_at < $3
           and send_attempts.outcome = 'accepted' and delivery is distinct from 'failed'
         group by replies.id
         having count(*) > 1",
        span.after,
        span.up_to,
        scope.settled_before
    ))
}

/// Events are kept for 8 days at least. There were none before the first of them.
async fn entries_without_event(tx: &mut Tx, scope: &Scope, span: Span) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select id from entries
         where message_id > $1 and message_id <= $2 and booked_at < $3 and state = 'booked'
           and booked_at > now() - interval '7 days'
           and booked_at > (select min(occurred_at) from events where kind = 'entry.booked')
           and not exists (
               select from events
               where events.message_id = entries.message_id and kind = 'entry.booked'
           )",
        span.after,
        span.up_to,
        scope.settled_before
    ))
}
