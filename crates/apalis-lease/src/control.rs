//! What people and programs may do to a queue from outside: the SQL functions of the schema, called
//! from Rust. Each can be called from psql alike, and again: the answer says whether it changed
//! anything. Nothing here talks to a worker but by the wake-up that the functions send.

use sqlx::PgExecutor;

use crate::job::JobId;
use crate::sql;

/// Makes a dead job ready again, with all its attempts. False if it is not dead.
pub async fn retry_job(executor: impl PgExecutor<'_>, id: JobId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(sql::RETRY_JOB).bind(id.get()).fetch_one(executor).await
}

/// Ends a job that is not done, whatever its state, and frees its key. A handler that is running it
/// is not interrupted: it finds [`crate::JobContext::still_held`] false at the next heartbeat, and
/// what it says is not written. False if there is no such job, or it is over.
pub async fn cancel_job(
    executor: impl PgExecutor<'_>,
    id: JobId,
    reason: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(sql::CANCEL_JOB).bind(id.get()).bind(reason).fetch_one(executor).await
}

/// Nobody claims from `queue` until [`resume_queue`]. What runs goes on. False if it was paused
/// already; the first reason stands.
pub async fn pause_queue(
    executor: impl PgExecutor<'_>,
    queue: &str,
    reason: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(sql::PAUSE_QUEUE).bind(queue).bind(reason).fetch_one(executor).await
}

/// Ends [`pause_queue`] and wakes the workers. False if the queue was not paused.
pub async fn resume_queue(executor: impl PgExecutor<'_>, queue: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(sql::RESUME_QUEUE).bind(queue).fetch_one(executor).await
}

/// Nobody claims jobs of `group` in `queue` until [`resume_group`], those that are enqueued later
/// included; other jobs of the queue flow. What runs goes on. One short write, however many jobs
/// wait: claims set them aside as they meet them, each once. False if it was paused already; the
/// first reason stands.
pub async fn pause_group(
    executor: impl PgExecutor<'_>,
    queue: &str,
    group: &str,
    reason: &str,
) -> Result<bool, sqlx::Error> {
    let call = sqlx::query_scalar(sql::PAUSE_GROUP).bind(queue).bind(group).bind(reason);
    call.fetch_one(executor).await
}

/// Ends [`pause_group`] and wakes the workers: the jobs are ready again in the order they had. It
/// writes each job that was set aside, and waits for none that runs. False if the group was not
/// paused.
///
/// In a transaction it needs isolation `read committed`, and refuses others.
pub async fn resume_group(
    executor: impl PgExecutor<'_>,
    queue: &str,
    group: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(sql::RESUME_GROUP).bind(queue).bind(group).fetch_one(executor).await
}
