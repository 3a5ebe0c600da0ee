//! Whose receipt a message was found to be.

use chrono::{DateTime, Utc};

use super::{Store, StoreError};
use crate::domain::ids::{CustomerId, MessageId, SenderId};

impl Store {
    /// The match of `message`, once made.
    pub async fn customer_match(
        &self,
        message: MessageId,
    ) -> Result<Option<CustomerId>, StoreError> {
        let row =
            sqlx::query_scalar!("select customer_id from matches where message_id = $1", message.0)
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.map(CustomerId))
    }

    /// Writes the match down. The first one stands: a later call returns it unchanged.
    pub async fn match_customer(
        &self,
        message: MessageId,
        sender: SenderId,
        customer: &CustomerId,
        now: DateTime<Utc>,
    ) -> Result<CustomerId, StoreError> {
        sqlx::query!(
            "insert into matches (message_id, sender_id, customer_id, matched_at)
             values ($1, $2, $3, $4)
             on conflict (message_id) do nothing",
            message.0,
            sender.0,
            customer.0,
            now
        )
        .execute(&self.pool)
        .await?;
        self.customer_match(message).await?.ok_or(StoreError::Missing { table: "matches" })
    }
}
