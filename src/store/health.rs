//! The `ops` views of steps, workers and what is stuck, as `paragon status` and the dashboard
//! show them.

use chrono::{DateTime, Utc};

use super::{Store, StoreError};

/// A row of `ops.steps`: a step over the last hour.
#[derive(Clone, Debug, PartialEq)]
pub struct StepHour {
    /// Which step or job.
    pub step: String,
    /// Ended well.
    pub done: i64,
    /// Ended badly.
    pub failed: i64,
    /// Waits for somebody else.
    pub put_off: i64,
    /// Half took at most so many milliseconds; null when none was timed.
    pub p50_ms: Option<f64>,
    /// 95 of 100.
    pub p95_ms: Option<f64>,
    /// 99 of 100.
    pub p99_ms: Option<f64>,
    /// Half of the jobs began at most so many milliseconds after they were ready.
    pub wait_p50_ms: Option<f64>,
    /// 95 of 100.
    pub wait_p95_ms: Option<f64>,
    /// 99 of 100.
    pub wait_p99_ms: Option<f64>,
}

/// A row of `ops.workers`.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerRow {
    /// Its name, drawn at its start.
    pub worker: String,
    /// The queue that it takes jobs from.
    pub queue: String,
    /// `alive` or `silent`.
    pub state: String,
    /// Jobs that it may run at once.
    pub slots: i32,
    /// Jobs that it holds.
    pub holds: i64,
    /// Seconds since it was heard of.
    pub heartbeat_age_s: f64,
}

/// A row of `ops.stuck_jobs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckJob {
    /// Which job.
    pub job: i64,
    /// Of which message.
    pub message: Option<i64>,
    /// Counted attempts.
    pub attempts: i32,
    /// What it waits for.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// A row of `ops.failures`: a reason over the last 24 hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In which step.
    pub step: String,
    /// Why.
    pub reason: String,
    /// How often.
    pub count: i64,
    /// The last time.
    pub last_at: DateTime<Utc>,
    /// What followed: `retry`, `give_up` …
    pub outcome: String,
}

impl Store {
    /// Every step of the last hour.
    pub async fn steps_of_the_hour(&self) -> Result<Vec<StepHour>, StoreError> {
        Ok(sqlx::query_as!(
            StepHour,
            r#"select step as "step!", done as "done!", failed as "failed!", put_off as "put_off!",
                      p50_ms, p95_ms, p99_ms, wait_p50_ms, wait_p95_ms, wait_p99_ms
               from ops.steps
               order by step"#
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Every worker that has not ended well, those that are heard of first.
    pub async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError> {
        Ok(sqlx::query_as!(
            WorkerRow,
            r#"select worker as "worker!", queue as "queue!", state as "state!", slots as "slots!",
                      holds as "holds!", heartbeat_age_s as "heartbeat_age_s!"
               from ops.workers
               order by state, worker, queue desc"#
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// The `limit` jobs that have been stuck for longest.
    pub async fn stuck_jobs(&self, limit: i64) -> Result<Vec<StuckJob>, StoreError> {
        Ok(sqlx::query_as!(
            StuckJob,
            r#"select job as "job!", message, attempts as "attempts!", reason as "reason!",
                      since as "since!"
               from ops.stuck_jobs
               order by since
               limit $1"#,
            limit
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// The `limit` reasons of the last 24 hours that were met last.
    pub async fn failures(&self, limit: i64) -> Result<Vec<Failure>, StoreError> {
        Ok(sqlx::query_as!(
            Failure,
            r#"select step as "step!", reason as "reason!", count as "count!",
                      last_at as "last_at!", outcome as "outcome!"
               from ops.failures
               order by last_at desc
               limit $1"#,
            limit
        )
        .fetch_all(&self.pool)
        .await?)
    }
}
