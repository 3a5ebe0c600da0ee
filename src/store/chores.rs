//! What is thrown away, and when. Nothing that anybody is still owed.

use chrono::{DateTime, TimeDelta, Utc};

use super::api_keys::REMEMBERED;
use super::{Store, StoreError};
use crate::domain::retention::Retention;

/// How long a status of an unknown message waits for its message.
const PARKED_STATUSES_LIVE: TimeDelta = TimeDelta::days(7);

/// How long an event of Stripe's is remembered; Stripe delivers for 3 days, a person by hand for 30.
const STRIPE_EVENTS_LIVE: TimeDelta = TimeDelta::days(31);

/// How long bytes of a photo are kept that no message is tied to: their message was never committed,
/// or has been erased. Longer than any webhook or replay takes from the bytes to the message.
const ORPHANS_LIVE: TimeDelta = TimeDelta::days(1);

/// How far back orphans are looked for: a worker runs at least once in so long.
const ORPHANS_SINCE: TimeDelta = TimeDelta::days(31);

/// How long tombstones live: Meta redelivers for 7 days, and no spool should be older.
const ERASURES_LIVE: TimeDelta = TimeDelta::days(30);

impl Store {
    /// Removes what has outlived its use, a small step at a time. Several workers may be at it at
    /// once, and an interrupted one has done no harm.
    pub async fn tidy(&self, retention: &Retention, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.retain(retention, now).await?;
        sqlx::query!(
            "delete from parked_statuses where received_at < $1",
            now - PARKED_STATUSES_LIVE
        )
        .execute(&self.pool)
        .await?;
        // Doubt about somebody's customer stays until Stripe has been asked.
        sqlx::query!(
            "delete from stripe_events as told
             where told.received_at < $1
               and not exists (
                   select from senders
                   where senders.customer_id = told.customer_id
                     and told.raises_doubt
                     and senders.customer_checked_at < $1
               )",
            now - STRIPE_EVENTS_LIVE
        )
        .execute(&self.pool)
        .await?;
        sqlx::query!("delete from api_requests where began_at < $1", now - REMEMBERED)
            .execute(&self.pool)
            .await?;
        let long_erased = now - ERASURES_LIVE;
        sqlx::query!("delete from erasures where erased_at < $1", long_erased)
            .execute(&self.pool)
            .await?;
        sqlx::query!("delete from erased_sends where erased_at < $1", long_erased)
            .execute(&self.pool)
            .await?;
        self.sweep_orphans(now).await
    }

    /// Removes bytes of photos that no message is tied to. Bytes that are used again at this moment
    /// have been touched, and stay.
    async fn sweep_orphans(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        sqlx::query!(
            "delete from blobs
             where stored_at between $1 and $2
               and not exists (select from media where media.sha256 = blobs.sha256)",
            now - ORPHANS_SINCE,
            now - ORPHANS_LIVE
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
