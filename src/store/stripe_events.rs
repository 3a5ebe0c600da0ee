//! What Stripe's webhooks told of customers, each event once, and the doubt that it raised.

use chrono::{DateTime, Utc};

use super::{StoreError, Tx};
use crate::domain::ids::CustomerId;
use crate::domain::sender::{Phone, Sender, UserId};

/// One event as it is remembered.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Stripe's id of it.
    pub event: &'a str,
    /// Whom it is about.
    pub customer: &'a CustomerId,
    /// Stripe's time, in whole seconds.
    pub created_at: DateTime<Utc>,
    /// When it reached us.
    pub received_at: DateTime<Utc>,
    /// Whether who the customer is must be asked again.
    pub raises_doubt: bool,
}

/// Remembers an event. False when it was told before; one that is being told at the same moment is
/// waited for.
pub async fn remember_event(tx: &mut Tx, told: &Told<'_>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "insert into stripe_events (event_id, customer_id, created_at, received_at, raises_doubt)
         values ($1, $2, $3, $4, $5)
         on conflict (event_id) do nothing",
        told.event,
        told.customer.0,
        told.created_at,
        told.received_at,
        told.raises_doubt
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether something later was told of the customer. The same second is not later.
pub async fn was_overtaken(
    tx: &mut Tx,
    customer: &CustomerId,
    created_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let overtaken = sqlx::query_scalar!(
        r#"select exists (
               select from stripe_events where customer_id = $1 and created_at > $2
           ) as "overtaken!""#,
        customer.0,
        created_at
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(overtaken)
}

/// Everybody whose customer this is by our copy; more than one where a person has two rows.
pub async fn senders_of(tx: &mut Tx, customer: &CustomerId) -> Result<Vec<Sender>, StoreError> {
    let rows =
        sqlx::query!("select phone, user_id from senders where customer_id = $1", customer.0)
            .fetch_all(&mut **tx)
            .await?;
    let senders = rows.into_iter().filter_map(|row| {
        let phone = row.phone.as_deref().and_then(|it| Phone::parse(it).ok());
        Sender::known_by(phone, row.user_id.as_deref().and_then(UserId::parse))
    });
    Ok(senders.collect())
}

/// The customer is no more: whoever had it has none. Called twice it does nothing more.
pub async fn forget_customer_of_all(tx: &mut Tx, customer: &CustomerId) -> Result<(), StoreError> {
    sqlx::query!(
        "update senders set customer_id = null, customer_checked_at = null where customer_id = $1",
        customer.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
