//! Writing jobs in the caller's transaction. Never commits, never notifies (that is
//! [`crate::Waker`]'s, after the commit) and never talks to a worker.

use serde::Serialize;
use sqlx::PgConnection;

use crate::job::{Enqueued, JobId, NewJob};
use crate::sql;

/// Why a job could not be written.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// The payload cannot be JSON in Postgres. Nothing was sent; the transaction is unharmed.
    #[error("the payload cannot be stored")]
    Payload(#[source] serde_json::Error),
    /// The payload holds a NUL character, which `jsonb` refuses. Nothing was sent; the
    /// transaction is unharmed.
    #[error("the payload holds a NUL character, which jsonb refuses")]
    Nul,
    /// Postgres refused or is gone; the transaction is lost.
    #[error("the job could not be written")]
    Database(#[from] sqlx::Error),
}

/// Writes one job as part of `connection`'s transaction: it exists when that commits, and never
/// did when it rolls back.
///
/// A key that is taken is [`Enqueued::Already`] and does not harm the transaction. While another
/// transaction holds the same key uncommitted, this waits for its end. After the commit, call
/// [`crate::Waker::wake`].
pub async fn enqueue<P: Serialize>(
    connection: &mut PgConnection,
    job: &NewJob<P>,
) -> Result<Enqueued, EnqueueError> {
    let id: Option<i64> = sqlx::query_scalar(sql::ENQUEUE)
        .bind(&job.queue)
        .bind(&job.key)
        .bind(job.priority.code())
        .bind(job.run_at)
        .bind(i32::from(job.max_attempts))
        .bind(json(&job.payload)?)
        .bind(&job.trace_parent)
        .bind(&job.group)
        .fetch_optional(connection)
        .await?;
    Ok(enqueued(id))
}

/// Writes many jobs in one statement, as [`enqueue`] writes one. Answers in the order of `jobs`; of
/// two with the same key the first is written.
pub async fn enqueue_all<P: Serialize>(
    connection: &mut PgConnection,
    jobs: &[NewJob<P>],
) -> Result<Vec<Enqueued>, EnqueueError> {
    let payloads = jobs.iter().map(|job| json(&job.payload)).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<Option<i64>> = sqlx::query_scalar(sql::ENQUEUE_ALL)
        .bind(jobs.iter().map(|job| job.queue.as_str()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.key.as_deref()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.priority.code()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.run_at).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| i32::from(job.max_attempts)).collect::<Vec<_>>())
        .bind(payloads)
        .bind(jobs.iter().map(|job| job.trace_parent.as_deref()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.group.as_deref()).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    Ok(ids.into_iter().map(enqueued).collect())
}

fn enqueued(id: Option<i64>) -> Enqueued {
    id.map_or(Enqueued::Already, |id| Enqueued::New(JobId(id)))
}

/// Refuses here what Postgres would refuse by aborting the transaction.
fn json<P: Serialize>(payload: &P) -> Result<String, EnqueueError> {
    let text = serde_json::to_string(payload).map_err(EnqueueError::Payload)?;
    if holds_nul(&text) { Err(EnqueueError::Nul) } else { Ok(text) }
}

/// Whether JSON text spells a NUL. `\\u0000` is a backslash and four zeros, and harmless.
fn holds_nul(json: &str) -> bool {
    let mut rest = json.as_bytes();
    while let Some(place) = rest.iter().position(|byte| *byte == b'\\') {
        if rest[place..].starts_with(b"\\u0000") {
            return true;
        }
        rest = rest.get(place + 2..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_is_seen_and_a_written_out_escape_is_not() {
        for (payload, expected) in [
            ("plain", false),
            ("a\0b", true),
            ("a\\u0000b", false),
            ("a\\\0b", true),
            ("ends with \\", false),
        ] {
            let text = serde_json::to_string(payload).unwrap();
            assert_eq!(holds_nul(&text), expected, "{text}");
        }
    }
}
