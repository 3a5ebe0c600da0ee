//! The outermost tower layer around a handler: runs it under its time limit, turns whatever happens
//! into an [`Outcome`], and returns only when that is durable, unless the worker was told to work
//! ahead. Prolongs no lease (`keeper`) and writes nothing itself (`settler`).

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use apalis_core::error::BoxDynError;
use apalis_core::task::Task;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use crate::backoff::Backoff;
use crate::config::Config;
use crate::context::JobContext;
use crate::desk::{Desk, Fence, Settled, Verdict};
use crate::outcome::{self, Outcome};
use crate::settling;

/// Wraps a worker's handler and layers. apalis puts it there by itself.
#[derive(Clone)]
pub struct LeaseLayer {
    desk: Arc<Desk>,
    timeout: Duration,
    backoff: Backoff,
}

impl LeaseLayer {
    pub(crate) fn new(desk: Arc<Desk>, config: &Config) -> Self {
        LeaseLayer { desk, timeout: config.timeout, backoff: config.backoff }
    }
}

impl fmt::Debug for LeaseLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseLayer").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for LeaseLayer {
    type Service = LeaseService<S>;

    fn layer(&self, inner: S) -> LeaseService<S> {
        LeaseService { inner, layer: self.clone() }
    }
}

/// See [`LeaseLayer`].
#[derive(Debug, Clone)]
pub struct LeaseService<S> {
    inner: S,
    layer: LeaseLayer,
}

/// Why a run has no outcome to show.
#[derive(Debug, thiserror::Error)]
enum Unsettled {
    #[error("the task was not claimed by this backend")]
    Foreign,
    #[error("the lease was lost, the job is somebody else's")]
    Lost,
    #[error("the backend ended before the outcome was written")]
    Ended,
}

impl<S, P> Service<Task<P>> for LeaseService<S>
where
    S: Service<Task<P>>,
    S::Future: Send + 'static,
    S::Response: Into<Outcome>,
    S::Error: Into<BoxDynError>,
{
    type Response = Outcome;
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<Outcome, BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<P>) -> Self::Future {
        let Some(job) = task.data().get::<JobContext>().cloned() else {
            return Box::pin(async { Err(Unsettled::Foreign.into()) });
        };
        let mut hold = Hold::new(&self.layer.desk, job.fence);
        let (timeout, backoff) = (self.layer.timeout, self.layer.backoff);
        let began = Instant::now();
        let called = catch_unwind(AssertUnwindSafe(|| self.inner.call(task)));
        Box::pin(async move {
            let outcome = match called {
                Ok(running) => finish(running, timeout).await,
                Err(panic) => panicked(panic.as_ref()),
            };
            hold.desk.meters.ended(outcome.word(), began.elapsed());
            settle(&mut hold, job.attempt(), backoff, outcome).await
        })
    }
}

/// Holds a run and its slot for as long as its future lives. Dropped without a verdict (the worker
/// was dropped), the lease is no longer prolonged, and the job runs elsewhere.
struct Hold {
    desk: Arc<Desk>,
    fence: Fence,
    /// The settler lets go of the run.
    handed_in: bool,
}

impl Hold {
    fn new(desk: &Arc<Desk>, fence: Fence) -> Self {
        Hold { desk: Arc::clone(desk), fence, handed_in: false }
    }

    fn hand_in(&mut self, verdict: Verdict) -> oneshot::Receiver<Settled> {
        self.handed_in = true;
        self.desk.settle(self.fence, verdict)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if !self.handed_in {
            self.desk.let_go(self.fence);
        }
        self.desk.leave_slot();
    }
}

/// Runs a handler to its end, whichever that is.
async fn finish<F, R, E>(running: F, limit: Duration) -> Outcome
where
    F: Future<Output = Result<R, E>>,
    R: Into<Outcome>,
    E: Into<BoxDynError>,
{
    let mut running = Box::pin(AssertUnwindSafe(running).catch_unwind());
    let outcome = match tokio::time::timeout(limit, &mut running).await {
        Ok(Ok(Ok(response))) => response.into(),
        Ok(Ok(Err(error))) => outcome::of_error(&error.into()),
        Ok(Err(panic)) => panicked(panic.as_ref()),
        Err(_) => Outcome::retry(format_args!("took longer than {limit:?}")),
    };
    // A handler that panics while it is put away must not take the worker along.
    if catch_unwind(AssertUnwindSafe(move || drop(running))).is_err() {
        tracing::warn!("a handler panicked while it was dropped");
    }
    outcome
}

fn panicked(panic: &(dyn Any + Send)) -> Outcome {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Outcome::retry(format_args!("panicked: {}", text.unwrap_or("without words")))
}

/// Returns when the verdict is durable, or at once where the worker may work ahead.
async fn settle(
    hold: &mut Hold,
    attempt: u32,
    backoff: Backoff,
    outcome: Outcome,
) -> Result<Outcome, BoxDynError> {
    let told = hold.hand_in(settling::verdict(outcome.clone(), attempt, backoff));
    if hold.desk.works_ahead() {
        return Ok(outcome);
    }
    match told.await {
        Ok(Settled::Durably) => Ok(outcome),
        Ok(Settled::TooLate) => Err(Unsettled::Lost.into()),
        Err(_) => Err(Unsettled::Ended.into()),
    }
}
