//! One step of a message: run in a span of its own, timed, and named in what goes wrong with it. Decides
//! nothing and repeats nothing.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{Instrument, info, info_span};

use super::{Deps, StepError};
use crate::domain::ids::MessageId;
use crate::domain::retry::Verdict;
use crate::store::{Store, StoreError};
use crate::telemetry::worker::ending;

/// Timings that wait to be written down at most: beyond, while Postgres is away, none is kept.
const KEPT_AT_MOST: usize = 50_000;

/// A step of a message, as `ops.throughput`, reasons and spans name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// What does the photo say?
    Extract,
    /// Whose receipt is it?
    MatchCustomer,
    /// The entry.
    Record,
    /// What the sender is told.
    Reply,
    /// The sender has another number.
    FollowMove,
}

impl Step {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::MatchCustomer => "match_customer",
            Self::Record => "record",
            Self::Reply => "reply",
            Self::FollowMove => "follow_move",
        }
    }

    /// The name of its span.
    fn span(self) -> &'static str {
        match self {
            Self::Extract => "worker.extract",
            Self::MatchCustomer => "worker.match_customer",
            Self::Record => "worker.record",
            Self::Reply => "worker.reply",
            Self::FollowMove => "worker.follow_move",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What was timed: a step that was done, or a message's whole way to its answer.
const ANSWER: &str = "answer";

/// How long what was done took, until it is written down. A clone is the same one.
#[derive(Clone, Debug, Default)]
pub struct Timings(Arc<Mutex<Vec<(&'static str, Duration)>>>);

impl Timings {
    /// A message was answered so long after its webhook.
    pub fn answered(&self, after: Duration) {
        self.note(ANSWER, after);
    }

    fn note(&self, step: &'static str, took: Duration) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_AT_MOST {
            kept.push((step, took));
        }
    }

    /// Writes down what was noted since it was last called. What Postgres does not take is kept for
    /// the next call; what a killed worker had noted is lost.
    pub async fn write_down(&self, store: &Store) -> Result<(), StoreError> {
        let noted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let written = store.note_steps(&noted).await;
        if written.is_err() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(noted);
        }
        written
    }
}

/// Runs one step in a span of its own, and says in one line that it is done.
pub async fn step<T>(
    deps: &Deps,
    which: Step,
    id: MessageId,
    work: impl Future<Output = Result<T, StepError>>,
) -> Result<T, StepError> {
    let name = which.span();
    // A span's name must be known when it is compiled; `otel.name` is the one that is shown.
    let span = info_span!("worker.step", otel.name = name, message.id = %id);
    async {
        let began = Instant::now();
        let ended = work.await;
        count(deps, which, began.elapsed(), ended.as_ref().err());
        let done = ended.map_err(|error| error.within(which))?;
        info!(message.id = %id, "{name} done");
        Ok(done)
    }
    .instrument(span)
    .await
}

/// Counts a step that has ended. What was put off says nothing of how long the step takes.
fn count(deps: &Deps, which: Step, took: Duration, failed: Option<&StepError>) {
    let name = which.name();
    let ending = match failed.map(StepError::verdict) {
        None => ending::DONE,
        Some(Verdict::Retry | Verdict::GiveUp) => ending::FAILED,
        Some(Verdict::NotBefore(_) | Verdict::Halt | Verdict::PauseNumber) => ending::PUT_OFF,
    };
    deps.metrics.steps.one(name, ending);
    if ending != ending::PUT_OFF {
        deps.metrics.step_s.note(name, took.as_secs_f64());
    }
    if ending == ending::DONE {
        deps.timings.note(name, took);
    }
}
