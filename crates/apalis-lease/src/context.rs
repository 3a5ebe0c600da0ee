//! What a handler may know of the run it is in, and how it settles in a transaction of its own.
//! Prolongs nothing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use apalis_core::task::Task;
use apalis_core::task::data::MissingDataError;
use apalis_core::task::from_request::FromRequest;
use apalis_core::task::metadata::TracingContext;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::backoff::Backoff;
use crate::desk::{Claimed, Fence, Marks};
use crate::job::JobId;
use crate::outcome::Outcome;
use crate::settling;

/// The run a handler is in; take it as an argument of the task function, after the payload.
///
/// ```
/// use apalis_lease::{JobContext, Outcome};
///
/// async fn write_letter(letter: i64, job: JobContext) -> Outcome {
///     if job.is_last_attempt() {
///         return Outcome::give_up("nobody answered");
///     }
///     Outcome::retry(format_args!("letter {letter} is not ready"))
/// }
/// ```
#[derive(Clone)]
pub struct JobContext {
    pub(crate) fence: Fence,
    queue: Arc<str>,
    attempt: u32,
    max_attempts: u32,
    run_at: DateTime<Utc>,
    enqueued_at: DateTime<Utc>,
    trace_parent: Option<String>,
    group: Option<String>,
    backoff: Backoff,
    marks: Arc<Marks>,
}

impl JobContext {
    pub(crate) fn new(queue: Arc<str>, claimed: &Claimed, backoff: Backoff) -> Self {
        JobContext {
            fence: claimed.fence,
            queue,
            attempt: claimed.attempt,
            max_attempts: claimed.max_attempts,
            run_at: claimed.run_at,
            enqueued_at: claimed.enqueued_at,
            trace_parent: claimed.trace_parent.clone(),
            group: claimed.group.clone(),
            backoff,
            marks: Arc::clone(&claimed.marks),
        }
    }

    /// The job.
    pub fn id(&self) -> JobId {
        JobId(self.fence.id)
    }

    /// The queue it was claimed from.
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// Which attempt this is, from 1. A run that ended [`crate::Outcome::NotBefore`] gives its
    /// number back, so two runs may have the same.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// How many attempts the job has in all.
    pub fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// Whether a retry would end the job dead.
    pub fn is_last_attempt(&self) -> bool {
        self.attempt >= self.max_attempts
    }

    /// The moment before which the job was not to start.
    pub fn run_at(&self) -> DateTime<Utc> {
        self.run_at
    }

    /// When the enqueuing transaction began.
    pub fn enqueued_at(&self) -> DateTime<Utc> {
        self.enqueued_at
    }

    /// The W3C `traceparent` given to [`crate::NewJob::trace_parent`].
    pub fn trace_parent(&self) -> Option<&str> {
        self.trace_parent.as_deref()
    }

    /// The group given to [`crate::NewJob::group`].
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// Whether the lease was still ours at the last heartbeat. Once false, another worker may be
    /// running the job, and whatever this run says will not be written. True proves nothing: the
    /// last heartbeat may be long ago.
    pub fn still_held(&self) -> bool {
        !self.marks.lost.load(Ordering::Acquire)
    }

    /// Writes the job's outcome as part of `connection`'s transaction: what the job has done and
    /// that it is done are one commit, or neither happened.
    ///
    /// Once it is committed, what the handler returns changes nothing more. If the transaction is
    /// rolled back, what the handler returns counts as usual; where nobody knows whether it was
    /// committed, return the error, and the queue finds out. Call it once, last thing before the
    /// commit: while the transaction is open the lease is not prolonged, so it should end within
    /// one. [`SettleError::TooLate`] means that somebody else has the job: roll back.
    pub async fn settle(
        &self,
        connection: &mut PgConnection,
        outcome: &Outcome,
    ) -> Result<(), SettleError> {
        self.marks.settled.store(true, Ordering::Release);
        let verdict = settling::verdict(outcome.clone(), self.attempt, self.backoff);
        let written = settling::settle_one(connection, self.fence, &verdict).await?;
        if written { Ok(()) } else { Err(SettleError::TooLate) }
    }
}

/// Why a job could not settle in its own transaction.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// Its lease was lost or it was cancelled: nothing was written, and the transaction should not
    /// be committed.
    #[error("the job was taken over or cancelled")]
    TooLate,
    /// Postgres refused or is gone; the transaction is lost.
    #[error("the outcome could not be written")]
    Database(#[from] sqlx::Error),
}

/// Leaves out the group: it is the caller's data.
impl fmt::Debug for JobContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobContext")
            .field("id", &self.fence.id)
            .field("run", &self.fence.run)
            .field("queue", &self.queue)
            .field("attempt", &self.attempt)
            .field("max_attempts", &self.max_attempts)
            .field("run_at", &self.run_at)
            .field("trace_parent", &self.trace_parent)
            .finish_non_exhaustive()
    }
}

impl<P: Sync> FromRequest<Task<P>> for JobContext {
    type Error = MissingDataError;

    async fn from_request(task: &Task<P>) -> Result<Self, Self::Error> {
        task.data().get_checked::<JobContext>().cloned()
    }
}

/// A `traceparent` in apalis' words, so that its `TraceLayer` goes on with the trace; `None` where
/// it is not one.
pub(crate) fn tracing_context(trace_parent: &str) -> Option<TracingContext> {
    let mut parts = trace_parent.split('-');
    let (_version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let flags = u8::from_str_radix(flags, 16).ok()?;
    (trace.len() == 32 && span.len() == 16).then(|| {
        TracingContext::new().with_trace_id(trace).with_span_id(span).with_trace_flags(flags)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_and_anything_else_is_not() {
        let context =
            tracing_context("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert_eq!(context.trace_id().as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert_eq!(context.span_id().as_deref(), Some("00f067aa0ba902b7"));
        assert_eq!(*context.trace_flags(), Some(1));
        for text in ["", "00-4bf9-00f0-01", "trace", "00-4bf92f3577b34da6a3ce929d0e0e4736"] {
            assert!(tracing_context(text).is_none(), "{text}");
        }
    }
}
