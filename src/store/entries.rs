//! What is booked, and what looks like something that is booked already.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Store, StoreError, Tx, events};
use crate::domain::ids::{CustomerId, EntryId, MessageId, SenderId};
use crate::domain::money::{Currency, Money};
use crate::domain::reading::{Category, Fields};
use crate::domain::reply::{Entry, EntryState, EntrySummary};

/// Whose entry it is, and of which message.
#[derive(Clone, Debug)]
pub struct EntryOwner {
    /// The message with the photo.
    pub message: MessageId,
    /// Who sent it.
    pub sender: SenderId,
    /// Their Stripe customer.
    pub customer: CustomerId,
}

/// An entry, and what it repeats while it is a duplicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// As it stands.
    pub entry: Entry,
    /// What it looks like.
    pub repeats: Option<Entry>,
}

/// By what a receipt is known again, besides its photo.
pub(super) struct Likeness<'a> {
    pub merchant_key: Option<&'a str>,
    pub date: Option<NaiveDate>,
    pub total: Option<Money>,
}

impl Store {
    /// Records what was read: `duplicate` when the same sender has an entry of the same photo, or
    /// of the same merchant, date and total, or the one that is `alike` by its picture; else `booked` when total and currency are known, else
    /// `incomplete`. One entry a message: a later call changes nothing and returns what stands.
    /// Two alike at the same moment: one is booked.
    pub async fn record_entry(
        &self,
        owner: &EntryOwner,
        fields: &Fields,
        alike: Option<EntryId>,
        now: DateTime<Utc>,
    ) -> Result<Recorded, StoreError> {
        let mut tx = self.begin().await?;
        one_at_a_time(&mut tx, owner.sender).await?;
        let key = fields.merchant_key();
        let total = fields.amount();
        let like = Likeness { merchant_key: key.as_deref(), date: fields.date, total };
        let original = repeated(&mut tx, owner.sender, owner.message, &like).await?.or(alike);
        let state = if original.is_some() { EntryState::Duplicate } else { EntryState::of(total) };
        let new = sqlx::query_scalar!(
            "insert into entries (message_id, sender_id, customer_id, state, merchant, merchant_key,
                                  total_minor, currency, receipt_date, category, tax_minor,
                                  photo_sha256, duplicate_of, booked_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
                     (select sha256 from media where message_id = $1), $12, $13)
             on conflict (message_id) do nothing
             returning id",
            owner.message.0,
            owner.sender.0,
            owner.customer.0,
            state.as_str(),
            fields.merchant,
            key,
            total.map(|it| it.minor),
            fields.currency.map(Currency::code),
            fields.date,
            fields.category.map(Category::as_str),
            fields.tax_amount().map(|it| it.minor),
            original.map(|it| it.0),
            now
        )
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(new) = new {
            events::entry_recorded(&mut tx, EntryId(new), now).await?;
        }
        tx.commit().await?;
        let entry = self.entry(owner.message).await?;
        self.recorded(entry.ok_or(StoreError::Missing { table: "entries" })?).await
    }

    /// Entries of the same sender, with their photos, that agree with `fields` in total and in either
    /// merchant or date, and not in both: a photo that looks the same would decide. The newest few.
    pub async fn nearly_repeated(
        &self,
        sender: SenderId,
        message: MessageId,
        fields: &Fields,
    ) -> Result<Vec<(EntryId, Vec<u8>)>, StoreError> {
        let Some(total) = fields.amount() else { return Ok(Vec::new()) };
        let rows = sqlx::query!(
            "select entries.id, blobs.bytes
             from entries
             join blobs on blobs.sha256 = entries.photo_sha256
             where entries.sender_id = $1 and entries.message_id <> $2
                 and entries.state <> 'duplicate'
                 and entries.total_minor = $3 and entries.currency = $4
                 and (entries.merchant_key = $5 is true) <> (entries.receipt_date = $6 is true)
             order by entries.id desc
             limit 3",
            sender.0,
            message.0,
            total.minor,
            total.currency.code(),
            fields.merchant_key(),
            fields.date
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| (EntryId(row.id), row.bytes)).collect())
    }

    /// The entry of `message`.
    pub async fn entry(&self, message: MessageId) -> Result<Option<Entry>, StoreError> {
        let row = sqlx::query_as!(
            EntryRow,
            "select id, state, merchant, total_minor, currency, receipt_date, category
             from entries
             where message_id = $1",
            message.0
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(EntryRow::entry).transpose()
    }

    /// The entry `id`, if it is one of `sender`'s.
    pub async fn own_entry(
        &self,
        sender: SenderId,
        id: EntryId,
    ) -> Result<Option<Entry>, StoreError> {
        let row = sqlx::query_as!(
            EntryRow,
            "select id, state, merchant, total_minor, currency, receipt_date, category
             from entries
             where id = $1 and sender_id = $2",
            id.0,
            sender.0
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(EntryRow::entry).transpose()
    }

    /// `entry` with what it repeats.
    pub(super) async fn recorded(&self, entry: Entry) -> Result<Recorded, StoreError> {
        if entry.state != EntryState::Duplicate {
            return Ok(Recorded { entry, repeats: None });
        }
        let row = sqlx::query_as!(
            EntryRow,
            "select original.id, original.state, original.merchant, original.total_minor,
                    original.currency, original.receipt_date, original.category
             from entries
             join entries as original on original.id = entries.duplicate_of
             where entries.id = $1",
            entry.id.0
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(Recorded { entry, repeats: row.map(EntryRow::entry).transpose()? })
    }
}

/// Whoever records or changes entries of this sender goes one after the other, until `tx` ends.
pub(super) async fn one_at_a_time(tx: &mut Tx, sender: SenderId) -> Result<(), StoreError> {
    sqlx::query!("select id from senders where id = $1 for no key update", sender.0)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(())
}

/// The entry of the same sender that the receipt of `message` looks like: a booked one rather than
/// an incomplete one, then the oldest.
pub(super) async fn repeated(
    tx: &mut Tx,
    sender: SenderId,
    message: MessageId,
    like: &Likeness<'_>,
) -> Result<Option<EntryId>, StoreError> {
    let id = sqlx::query_scalar!(
        "select id
         from entries
         where sender_id = $1 and message_id <> $2 and state <> 'duplicate'
             and (photo_sha256 = (select sha256 from media where message_id = $2)
                  or (merchant_key = $3 and receipt_date = $4 and total_minor = $5 and currency = $6))
         order by state = 'booked' desc, id
         limit 1",
        sender.0,
        message.0,
        like.merchant_key,
        like.date,
        like.total.map(|it| it.minor),
        like.total.map(|it| it.currency.code())
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(id.map(EntryId))
}

struct EntryRow {
    id: i64,
    state: String,
    merchant: Option<String>,
    total_minor: Option<i64>,
    currency: Option<String>,
    receipt_date: Option<NaiveDate>,
    category: Option<String>,
}

impl EntryRow {
    fn entry(self) -> Result<Entry, StoreError> {
        let currency = self.currency.as_deref().and_then(Currency::parse);
        let unreadable = StoreError::Unreadable { table: "entries", column: "state" };
        Ok(Entry {
            id: EntryId(self.id),
            state: EntryState::parse(&self.state).ok_or(unreadable)?,
            currency,
            summary: EntrySummary {
                category: self.category.as_deref().and_then(Category::parse),
                total: self
                    .total_minor
                    .zip(currency)
                    .map(|(minor, currency)| Money { minor, currency }),
                merchant: self.merchant,
                date: self.receipt_date,
            },
        })
    }
}
