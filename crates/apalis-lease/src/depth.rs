//! How much a queue holds. Reads only jobs that are not done, however many have been.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::sql;

/// The jobs of one queue that are not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, sqlx::FromRow)]
pub struct Depth {
    /// Could start now.
    pub ready: i64,
    /// Wait for their `run_at`.
    pub deferred: i64,
    /// Wait for their group to be resumed. Those that no claim has met yet are counted ready.
    pub paused: i64,
    /// Are held by a worker.
    pub running: i64,
    /// Gave up, and wait for a person.
    pub dead: i64,
    /// Since when the longest waiting ready job has been ready.
    pub oldest_ready: Option<DateTime<Utc>>,
}

impl Depth {
    /// Whether nothing is left to run, now or later. Dead jobs do not count.
    pub fn is_drained(&self) -> bool {
        self.ready == 0 && self.deferred == 0 && self.paused == 0 && self.running == 0
    }
}

/// Counts the jobs of `queue`; a queue nobody has written to is empty. Reads each of them, so it
/// is for tests, pages and alerts, not for every job.
pub async fn depth(executor: impl PgExecutor<'_>, queue: &str) -> Result<Depth, sqlx::Error> {
    let depth = sqlx::query_as(sql::DEPTH).bind(queue).fetch_optional(executor).await?;
    Ok(depth.unwrap_or_default())
}
