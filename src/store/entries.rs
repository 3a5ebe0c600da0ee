//! What is booked.

use chrono::{DateTime, Utc};

use super::{Store, StoreError};
use crate::domain::ids::{CustomerId, MessageId, SenderId};
use crate::domain::money::{Currency, Money};
use crate::domain::reading::{Category, Fields};
use crate::domain::reply::EntrySummary;

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

impl Store {
    /// Books what was read: `booked` when total and currency are known, else `incomplete`. One
    /// entry a message: a later call changes nothing and returns what stands.
    pub async fn record_entry(
        &self,
        owner: &EntryOwner,
        fields: &Fields,
        now: DateTime<Utc>,
    ) -> Result<EntrySummary, StoreError> {
        let total = fields.amount();
        sqlx::query!(
            "insert into entries (message_id, sender_id, customer_id, state, merchant, total_minor,
                                  currency, receipt_date, category, tax_minor, booked_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             on conflict (message_id) do nothing",
            owner.message.0,
            owner.sender.0,
            owner.customer.0,
            if total.is_some() { "booked" } else { "incomplete" },
            fields.merchant,
            total.map(|it| it.minor),
            fields.currency.map(Currency::code),
            fields.date,
            fields.category.map(Category::as_str),
            fields.tax_amount().map(|it| it.minor),
            now
        )
        .execute(&self.pool)
        .await?;
        self.entry(owner.message).await?.ok_or(StoreError::Missing { table: "entries" })
    }

    /// What the entry of `message` says.
    pub async fn entry(&self, message: MessageId) -> Result<Option<EntrySummary>, StoreError> {
        let row = sqlx::query!(
            "select merchant, total_minor, currency, receipt_date, category
             from entries
             where message_id = $1",
            message.0
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| EntrySummary {
            category: row.category.as_deref().and_then(Category::parse),
            total: total(row.total_minor, row.currency.as_deref()),
            merchant: row.merchant,
            date: row.receipt_date,
        }))
    }
}

fn total(minor: Option<i64>, currency: Option<&str>) -> Option<Money> {
    Some(Money { minor: minor?, currency: Currency::parse(currency?)? })
}
