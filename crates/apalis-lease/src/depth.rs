//! How much a queue holds. Reads only jobs that are not done, however many have been.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgExecutor, Row};

use crate::sql;

/// The jobs of one queue that are not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
    /// How long that is, by Postgres's clock; zero if none is ready.
    pub oldest_ready_age: Duration,
}

impl FromRow<'_, PgRow> for Depth {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let seconds: f64 = row.try_get("oldest_ready_s")?;
        Ok(Depth {
            ready: row.try_get("ready")?,
            deferred: row.try_get("deferred")?,
            paused: row.try_get("paused")?,
            running: row.try_get("running")?,
            dead: row.try_get("dead")?,
            oldest_ready: row.try_get("oldest_ready")?,
            oldest_ready_age: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
        })
    }
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
