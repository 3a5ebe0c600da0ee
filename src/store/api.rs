//! What the API shows: entries, senders, reminders, photos, each only to whom their number is shown.
//! What is not to be seen is not there: nobody learns that it exists.

use chrono::{DateTime, NaiveDate, Utc};

use super::media::Blob;
use super::{Store, StoreError};
use crate::domain::access::Numbers;
use crate::domain::ids::{MessageId, Sha256};

/// Which of them. Every condition that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Sought {
    /// This one.
    pub id: Option<i64>,
    /// Older than this one.
    pub before: Option<i64>,
    /// In this state.
    pub state: Option<String>,
    /// Of this customer of Stripe's.
    pub customer: Option<String>,
    /// Of this sender.
    pub sender: Option<i64>,
    /// Who is this, in the one way of writing a number.
    pub phone: Option<String>,
    /// From then on: booked, or to be sent.
    pub since: Option<DateTime<Utc>>,
    /// Before.
    pub until: Option<DateTime<Utc>>,
}

/// An entry.
#[derive(Clone, PartialEq, Eq)]
pub struct EntryShown {
    /// Ours.
    pub id: i64,
    /// The photo's message.
    pub message: i64,
    /// Who sent it.
    pub sender: i64,
    /// Whose it is, at Stripe.
    pub customer: String,
    /// The number that was written to.
    pub number: String,
    /// booked, incomplete, duplicate.
    pub state: String,
    /// Where it was paid.
    pub merchant: Option<String>,
    /// In minor units.
    pub total_minor: Option<i64>,
    /// The tax within it.
    pub tax_minor: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// As printed.
    pub date: Option<NaiveDate>,
    /// For what.
    pub category: Option<String>,
    /// What it repeats, or seemed to.
    pub duplicate_of: Option<i64>,
    /// When it was written.
    pub booked_at: DateTime<Utc>,
    /// When somebody said that it is right.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Its last change; 0 where there was none.
    pub revision: i64,
}

/// A sender.
#[derive(Clone, PartialEq, Eq)]
pub struct SenderShown {
    /// Ours.
    pub id: i64,
    /// Digits, country code first.
    pub phone: Option<String>,
    /// Business-scoped.
    pub user_id: Option<String>,
    /// Theirs at Stripe.
    pub customer: Option<String>,
    /// They want no reminders.
    pub opted_out: bool,
}

/// A reminder.
#[derive(Clone, PartialEq, Eq)]
pub struct ReminderShown {
    /// Ours.
    pub id: i64,
    /// Whom it is for.
    pub sender: i64,
    /// The number that it leaves from.
    pub number: String,
    /// The template.
    pub template: String,
    /// Its language.
    pub language: String,
    /// As in `ops.reminders`.
    pub state: String,
    /// Why it is withheld, or what it waits for.
    pub reason: Option<String>,
    /// Not before then.
    pub run_at: DateTime<Utc>,
    /// When Meta took it.
    pub sent_at: Option<DateTime<Utc>>,
    /// When we heard that the phone has it.
    pub delivered_at: Option<DateTime<Utc>>,
    /// Meta's code, where it did not arrive.
    pub error_code: Option<i32>,
}

impl Store {
    /// At most so many entries, the newest first.
    pub async fn entries_for(
        &self,
        numbers: &Numbers,
        sought: &Sought,
        at_most: i64,
    ) -> Result<Vec<EntryShown>, StoreError> {
        let numbers = numbers.texts();
        Ok(sqlx::query_as!(
            EntryShown,
            r#"select entries.id, entries.message_id as message, entries.sender_id as sender,
                      entries.customer_id as customer, messages.phone_number_id as number,
                      entries.state, entries.merchant, entries.total_minor, entries.tax_minor,
                      entries.currency, entries.receipt_date as date, entries.category,
                      entries.duplicate_of, entries.booked_at, entries.confirmed_at,
                      coalesce((
                          select max(id) from entry_revisions where entry_id = entries.id
                      ), 0) as "revision!"
               from entries
               join messages on messages.id = entries.message_id
               where ($1::text[] is null or messages.phone_number_id = any($1))
                   and ($2::bigint is null or entries.id = $2)
                   and ($3::bigint is null or entries.id < $3)
                   and ($4::text is null or entries.state = $4)
                   and ($5::text is null or entries.customer_id = $5)
                   and ($6::bigint is null or entries.sender_id = $6)
                   and ($7::timestamptz is null or entries.booked_at >= $7)
                   and ($8::timestamptz is null or entries.booked_at < $8)
               order by entries.id desc
               limit $9"#,
            numbers.as_deref(),
            sought.id,
            sought.before,
            sought.state,
            sought.customer,
            sought.sender,
            sought.since,
            sought.until,
            at_most
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// At most so many senders, the newest first: those who have written to one of the numbers, or were
    /// to be written to from it.
    pub async fn senders_for(
        &self,
        numbers: &Numbers,
        sought: &Sought,
        at_most: i64,
    ) -> Result<Vec<SenderShown>, StoreError> {
        let numbers = numbers.texts();
        Ok(sqlx::query_as!(
            SenderShown,
            r#"select senders.id, senders.phone, senders.user_id, senders.customer_id as customer,
                      exists (
                          select from opt_outs
                          where identity in (senders.phone_key, senders.user_id) and is_out
                      ) as "opted_out!"
               from senders
               where senders.merged_into is null
                   and ($1::text[] is null
                        or exists (
                            select from messages
                            where phone_number_id = any($1) and phone = senders.phone
                        )
                        or exists (
                            select from messages
                            where phone_number_id = any($1) and user_id = senders.user_id
                        )
                        or exists (
                            select from reminders
                            where sender_id = senders.id and phone_number_id = any($1)
                        ))
                   and ($2::bigint is null or senders.id = $2)
                   and ($3::bigint is null or senders.id < $3)
                   and ($4::text is null or senders.customer_id = $4)
                   and ($5::text is null or senders.phone_key = $5)
               order by senders.id desc
               limit $6"#,
            numbers.as_deref(),
            sought.id,
            sought.before,
            sought.customer,
            sought.phone,
            at_most
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// At most so many reminders, the newest first.
    pub async fn reminders_for(
        &self,
        numbers: &Numbers,
        sought: &Sought,
        at_most: i64,
    ) -> Result<Vec<ReminderShown>, StoreError> {
        let numbers = numbers.texts();
        Ok(sqlx::query_as!(
            ReminderShown,
            r#"select reminders.id, reminders.sender_id as sender,
                      reminders.phone_number_id as number, reminders.template, reminders.language,
                      shown.state as "state!", shown.reason, reminders.run_at, shown.sent_at,
                      shown.delivered_at, shown.error_code
               from reminders
               join ops.reminders as shown on shown.id = reminders.id
               where ($1::text[] is null or reminders.phone_number_id = any($1))
                   and ($2::bigint is null or reminders.id = $2)
                   and ($3::bigint is null or reminders.id < $3)
                   and ($4::text is null or shown.state = $4)
                   and ($5::bigint is null or reminders.sender_id = $5)
               order by reminders.id desc
               limit $6"#,
            numbers.as_deref(),
            sought.id,
            sought.before,
            sought.state,
            sought.sender,
            at_most
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// The photo of `message`, while it is kept.
    pub async fn photo_for(
        &self,
        numbers: &Numbers,
        message: MessageId,
    ) -> Result<Option<Blob>, StoreError> {
        let numbers = numbers.texts();
        let row = sqlx::query!(
            "select blobs.sha256, blobs.mime, blobs.bytes
             from messages
             join media on media.message_id = messages.id
             join blobs on blobs.sha256 = media.sha256
             where messages.id = $2
                 and ($1::text[] is null or messages.phone_number_id = any($1))",
            numbers.as_deref(),
            message.0
        )
        .fetch_optional(&self.pool)
        .await?;
        let unreadable = StoreError::Unreadable { table: "blobs", column: "sha256" };
        row.map(|row| {
            let sha256 = Sha256::from_bytes(&row.sha256).ok_or(unreadable)?;
            Ok(Blob { sha256, mime: row.mime, bytes: row.bytes })
        })
        .transpose()
    }
}
