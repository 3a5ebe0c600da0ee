//! How fast all workers together may call somebody who counts. A worker reserves moments for all
//! its calls that wait, in one update, so that the row is touched a few times a second and not once
//! a call. Goes by Postgres's clock, like a lease.

use std::time::Duration;

use super::{Store, StoreError};

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
        pace: &'static str,
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
        Ok(first.map(|end_s| {
            let end = Duration::try_from_secs_f64(end_s).unwrap_or_default();
            Reserved { first: end.saturating_sub(whole), apart }
        }))
    }
}
