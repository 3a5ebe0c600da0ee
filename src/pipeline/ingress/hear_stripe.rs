//! What Stripe tells of a customer, remembered in one commit: a deleted one is forgotten, a change
//! that no longer names the sender makes the next photo ask Stripe. Asks nobody itself, and never
//! writes to Stripe.

use chrono::{DateTime, Utc};

use super::verify_stripe::FromStripe;
use crate::clients::stripe::{Event, EventError, News};
use crate::store::stripe_events::{
    Told, forget_customer_of_all, remember_event, senders_of, was_overtaken,
};
use crate::store::{Store, StoreError};

/// What an event came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Not about a change of a customer: nothing is written.
    Nothing,
    /// Told before: nothing is written.
    Repeated,
    /// Our copy is as true as before.
    Confirmed,
    /// Whether our copy is still true must be asked.
    Doubted,
    /// The customer is gone, and our copy with it.
    Forgotten,
}

/// An event that is not remembered. Nothing of it stands.
#[derive(Debug, thiserror::Error)]
pub enum NotHeard {
    /// Delivered again it would be no better.
    #[error(transparent)]
    Unreadable(#[from] EventError),
    /// Postgres did not take it: Stripe delivers again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Remembers what `webhook` tells. Told twice, or two at the same moment, it is done once. Events
/// may come in any order: doubt is never taken back by an event, only by asking Stripe, and what
/// happened in the same second as something else counts as the later.
pub async fn hear_stripe<T: AsRef<[u8]>>(
    store: &Store,
    webhook: &FromStripe<T>,
    now: DateTime<Utc>,
) -> Result<Heard, NotHeard> {
    let Some(event) = Event::read(webhook.bytes())? else { return Ok(Heard::Nothing) };
    let mut tx = store.begin().await?;
    let senders = senders_of(&mut tx, &event.customer).await?;
    // Of a customer who is nobody's yet: a worker may be about to write down that it is.
    let confirms = !senders.is_empty() && senders.iter().all(|it| event.news.names(it));
    let raises_doubt = match event.news {
        News::Deleted => true,
        News::Updated(_) if confirms => false,
        News::Updated(_) => !was_overtaken(&mut tx, &event.customer, event.created).await?,
    };
    let told = Told {
        event: &event.id,
        customer: &event.customer,
        created_at: event.created,
        received_at: now,
        raises_doubt,
    };
    if !remember_event(&mut tx, &told).await? {
        return Ok(Heard::Repeated);
    }
    let heard = match event.news {
        News::Deleted => {
            forget_customer_of_all(&mut tx, &event.customer).await?;
            Heard::Forgotten
        }
        News::Updated(_) if raises_doubt => Heard::Doubted,
        News::Updated(_) => Heard::Confirmed,
    };
    tx.commit().await.map_err(StoreError::from)?;
    Ok(heard)
}
