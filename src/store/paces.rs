//! How fast all workers together may call somebody who counts. A worker reserves moments for all
//! its calls that wait, in one update, so that the row is touched a few times a second and not once
//! a call. Goes by Postgres's clock, like a lease.

use std::time::Duration;

use super::{Store, StoreError};
use crate::domain::ids::{PhoneNumberId, SenderId};

/// Messages from one number to one person: one each 6 s in the long run. Source: Meta's pair rate
/// limit, as partners tell it.
const PAIR_APART: Duration = Duration::from_secs(6);

/// So many may go at once, and are paid back by waiting. Source: as above.
const PAIR_BURST: u32 = 45;

/// Calls that have been given their moments: the first is due in `first`, each other one `apart`
/// after the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// From now to the first.
    pub first: Duration,
    /// From one to the next.
    pub apart: Duration,
}

impl Store {
    /// Reserves the next `calls` moments of `pace`, which has `per_second`. `None` when the next free
    /// one is further off than `at_most`: then nothing is reserved.
    pub async fn reserve(
        &self,
        pace: &str,
        per_second: u32,
        calls: u32,
        at_most: Duration,
    ) -> Result<Option<Reserved>, StoreError> {
        let apart = Duration::from_secs(1) / per_second.max(1);
        let whole = apart * calls;
        let first = sqlx::query_scalar!(
            r#"insert into paces as pace (name, free_at)
               values ($1, clock_timestamp() + make_interval(secs => $2::float8))
               on conflict (name) do update
               set free_at = greatest(pace.free_at, clock_timestamp())
                             + make_interval(secs => $2::float8)
               where pace.free_at < clock_timestamp() + make_interval(secs => $3::float8)
               returning extract(epoch from free_at - clock_timestamp())::float8 as "in_s!""#,
            pace,
            whole.as_secs_f64(),
            at_most.as_secs_f64()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(first.map(|end_s| Reserved { first: length(end_s).saturating_sub(whole), apart }))
    }

    /// Nobody who goes by `pace` is given a moment before `rest` has passed. Moments that were given
    /// stay. Called twice the longer rest counts.
    pub async fn rest_pace(&self, pace: &str, rest: Duration) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into paces as pace (name, free_at)
             values ($1, clock_timestamp() + make_interval(secs => $2::float8))
             on conflict (name) do update set free_at = greatest(pace.free_at, excluded.free_at)",
            pace,
            rest.as_secs_f64()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Reserves the next moment of a message from `number` to `sender`, and says how far off it is:
    /// not at all, until the burst is used up.
    pub async fn reserve_pair(
        &self,
        number: &PhoneNumberId,
        sender: SenderId,
    ) -> Result<Duration, StoreError> {
        let burst = PAIR_APART * (PAIR_BURST - 1);
        let in_s = sqlx::query_scalar!(
            r#"insert into pair_paces as pace (phone_number_id, sender_id, free_at)
               values ($1, $2, clock_timestamp() + make_interval(secs => $3::float8))
               on conflict (phone_number_id, sender_id) do update
               set free_at = greatest(pace.free_at, clock_timestamp())
                             + make_interval(secs => $3::float8)
               returning extract(epoch from free_at - clock_timestamp())::float8 - $3 - $4 as "in_s!""#,
            number.as_str(),
            sender.0,
            PAIR_APART.as_secs_f64(),
            burst.as_secs_f64()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(length(in_s))
    }

    /// The next message from `number` to `sender` waits for `rest`: Meta has said so.
    pub async fn rest_pair(
        &self,
        number: &PhoneNumberId,
        sender: SenderId,
        rest: Duration,
    ) -> Result<(), StoreError> {
        let burst = PAIR_APART * (PAIR_BURST - 1);
        sqlx::query!(
            "insert into pair_paces as pace (phone_number_id, sender_id, free_at)
             values ($1, $2, clock_timestamp() + make_interval(secs => $3::float8))
             on conflict (phone_number_id, sender_id) do update
             set free_at = greatest(pace.free_at, excluded.free_at)",
            number.as_str(),
            sender.0,
            (burst + rest).as_secs_f64()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// Nothing for a moment that has passed.
fn length(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
