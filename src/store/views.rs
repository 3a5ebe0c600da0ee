//! The `ops` views as `paragon status` and the demo show them.

use chrono::{DateTime, Utc};

use super::{Store, StoreError};
use crate::domain::ids::MessageId;

/// A row of `ops.queue_depth`.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueDepth {
    /// Which queue.
    pub queue: String,
    /// Could start now.
    pub ready: i64,
    /// Wait for a time.
    pub deferred: i64,
    /// Held by a worker.
    pub running: i64,
    /// Gave up.
    pub dead: i64,
    /// Seconds that the oldest ready job has waited.
    pub oldest_ready_s: f64,
}

/// A row of `ops.messages`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Which message.
    pub id: i64,
    /// What was sent.
    pub kind: String,
    /// How far it has come.
    pub state: String,
    /// When the webhook reached us.
    pub received_at: DateTime<Utc>,
    /// When it was in Postgres.
    pub accepted_at: DateTime<Utc>,
    /// When the photo was read.
    pub read_at: Option<DateTime<Utc>>,
    /// When the customer was known.
    pub matched_at: Option<DateTime<Utc>>,
    /// When the entry was written.
    pub booked_at: Option<DateTime<Utc>>,
    /// When Meta took the answer.
    pub replied_at: Option<DateTime<Utc>>,
    /// When we heard that the phone has it.
    pub delivered_at: Option<DateTime<Utc>>,
    /// The trace from webhook to answer.
    pub trace_id: Option<String>,
}

/// A row of `ops.dead_jobs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadJob {
    /// Which job.
    pub job: i64,
    /// Of which message.
    pub message: Option<i64>,
    /// How often it was tried.
    pub attempts: i32,
    /// Why it gave up.
    pub reason: String,
    /// When.
    pub since: DateTime<Utc>,
}

impl Store {
    /// Every queue.
    pub async fn queue_depth(&self) -> Result<Vec<QueueDepth>, StoreError> {
        Ok(sqlx::query_as!(
            QueueDepth,
            r#"select queue as "queue!", ready as "ready!", deferred as "deferred!",
                      running as "running!", dead as "dead!", oldest_ready_s as "oldest_ready_s!"
               from ops.queue_depth
               order by queue desc"#
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// The newest `limit` messages, newest first.
    pub async fn newest_messages(&self, limit: i64) -> Result<Vec<MessageRow>, StoreError> {
        Ok(sqlx::query_as!(
            MessageRow,
            r#"select id as "id!", kind as "kind!", state as "state!", received_at as "received_at!",
                      accepted_at as "accepted_at!", read_at, matched_at, booked_at, replied_at,
                      delivered_at, trace_id
               from ops.messages
               order by id desc
               limit $1"#,
            limit
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// One message's row.
    pub async fn message_row(&self, id: MessageId) -> Result<Option<MessageRow>, StoreError> {
        Ok(sqlx::query_as!(
            MessageRow,
            r#"select id as "id!", kind as "kind!", state as "state!", received_at as "received_at!",
                      accepted_at as "accepted_at!", read_at, matched_at, booked_at, replied_at,
                      delivered_at, trace_id
               from ops.messages
               where id = $1"#,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// The newest `limit` dead jobs, newest first.
    pub async fn dead_jobs(&self, limit: i64) -> Result<Vec<DeadJob>, StoreError> {
        Ok(sqlx::query_as!(
            DeadJob,
            r#"select job as "job!", message, attempts as "attempts!", reason as "reason!",
                      since as "since!"
               from ops.dead_jobs
               order by since desc
               limit $1"#,
            limit
        )
        .fetch_all(&self.pool)
        .await?)
    }
}
