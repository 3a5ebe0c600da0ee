//! The apalis backend: starts the parts of a worker, hands apalis the jobs they claimed, and ends
//! them. All the work is in `pump`, `settler`, `keeper` and `service`.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::queue::Queue;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use apalis_core::worker::context::WorkerContext;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::context::{JobContext, tracing_context};
use crate::desk::{Claimed, Desk, Settlement, Verdict};
use crate::job::JobId;
use crate::keeper::Keeper;
use crate::listener::listen;
use crate::metrics::Meters;
use crate::outcome::Outcome;
use crate::pump::Pump;
use crate::service::LeaseLayer;
use crate::settler::Settler;

/// How long the end of a worker may take once its jobs are done.
const FAREWELL: Duration = Duration::from_secs(10);

/// Why the backend cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// One of its tasks has ended, which only a bug can do. The worker should be started anew.
    #[error("a task of the queue's backend ended unexpectedly")]
    TaskEnded,
}

/// Feeds one apalis worker with the jobs of one queue, their payloads read as `P`.
///
/// Opens four connections of its own when the worker starts (to claim, to settle, to keep the
/// leases, to listen) and takes none from the pool, so that handlers that use up the pool cannot
/// cost a lease. While Postgres is away it waits, and the worker does not end.
///
/// Dropped with the worker, before its jobs are done, it leaves their leases to lapse: they run
/// again elsewhere, as the next attempt. All its tasks end with it.
pub struct LeaseBackend<P> {
    options: PgConnectOptions,
    config: Config,
    queue: Arc<str>,
    desk: Arc<Desk>,
    inbox: Option<mpsc::UnboundedReceiver<Settlement>>,
    /// The pump and the settler, which end by themselves.
    workers: JoinSet<()>,
    watchers: JoinSet<()>,
    farewell: Option<BoxFuture<'static, ()>>,
    payload: PhantomData<fn() -> P>,
}

impl<P> LeaseBackend<P> {
    /// A backend on the database of `pool`. Connects when the worker starts.
    pub fn new(pool: &PgPool, config: Config) -> Self {
        let (desk, inbox) = Desk::new(config.concurrency, config.ahead, Meters::default());
        LeaseBackend {
            options: pool.connect_options().as_ref().clone(),
            queue: Arc::from(config.queue.as_str()),
            config,
            desk,
            inbox: Some(inbox),
            workers: JoinSet::new(),
            watchers: JoinSet::new(),
            farewell: None,
            payload: PhantomData,
        }
    }

    /// Tells `metrics` what this worker does.
    #[cfg(feature = "opentelemetry")]
    #[must_use]
    pub fn metrics(mut self, metrics: &crate::Metrics) -> Self {
        let meters = Meters::new(metrics, &self.config.queue);
        let (desk, inbox) = Desk::new(self.config.concurrency, self.config.ahead, meters);
        (self.desk, self.inbox) = (desk, Some(inbox));
        self
    }

    /// Starts the tasks; the second call finds them started.
    fn start(&mut self, worker: &WorkerContext) {
        let Some(inbox) = self.inbox.take() else {
            return;
        };
        let desk = || Arc::clone(&self.desk);
        let pump = Pump::new(desk(), worker.clone(), &self.options, self.config.clone());
        self.workers.spawn(pump.run());
        self.workers.spawn(Settler::new(desk(), inbox, &self.options).run());
        self.watchers.spawn(Keeper::new(desk(), &self.options, &self.config).run());
        let queue = self.config.queue.clone();
        self.watchers.spawn(listen(desk(), self.options.clone(), queue));
    }
}

impl<P: DeserializeOwned> LeaseBackend<P> {
    /// A claimed row as apalis' task. One whose payload is not a `P` is dead at once: trying again
    /// will not change it, and a person can retry it once the handler knows it.
    fn task(&self, claimed: &Claimed) -> Option<Task<P>> {
        let payload = match serde_json::from_str(&claimed.payload) {
            Ok(payload) => payload,
            Err(error) => {
                let reason =
                    format!("the payload is not what the handler takes: {}", place(&error));
                let outcome = Outcome::GiveUp { reason };
                let verdict = Verdict::Ended { outcome, delay_ms: 0 };
                drop(self.desk.settle(claimed.fence, verdict));
                return None;
            }
        };
        let job = JobContext::new(Arc::clone(&self.queue), claimed, self.config.backoff);
        let mut task = TaskBuilder::new(payload)
            .task_id(TaskId::from_int(claimed.fence.id.unsigned_abs()))
            // apalis counts the attempt when it begins.
            .attempt(usize::try_from(claimed.attempt.saturating_sub(1)).unwrap_or(usize::MAX))
            .max_attempts(usize::try_from(claimed.max_attempts).unwrap_or(usize::MAX))
            .queue(Queue::from(self.config.queue.as_str()))
            .data(job);
        if let Some(context) = claimed.trace_parent.as_deref().and_then(tracing_context) {
            task = task.metadata(&context);
        }
        Some(task.build())
    }
}

/// Where a payload went wrong, without the payload's words.
fn place(error: &serde_json::Error) -> String {
    format!("{:?} error in line {}, column {}", error.classify(), error.line(), error.column())
}

impl<P> Backend for LeaseBackend<P>
where
    P: DeserializeOwned + Send + 'static,
{
    type Task = Task<P>;
    type Error = BackendError;

    fn poll_ready(
        &mut self,
        cx: &mut Context<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Result<(), BackendError>> {
        let ended = self.workers.poll_join_next(cx).map(|it| it.is_some()) == Poll::Ready(true)
            || self.watchers.poll_join_next(cx).map(|it| it.is_some()) == Poll::Ready(true);
        Poll::Ready(if ended { Err(BackendError::TaskEnded) } else { Ok(()) })
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Option<Result<Task<P>, BackendError>>> {
        while let Some(claimed) = self.desk.next(cx) {
            if let Some(task) = self.task(&claimed) {
                return Poll::Ready(Some(Ok(task)));
            }
            self.desk.leave_slot();
        }
        Poll::Pending
    }

    fn poll_close(
        &mut self,
        cx: &mut Context<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Result<(), BackendError>> {
        let farewell = self.farewell.get_or_insert_with(|| {
            self.desk.close();
            leave(std::mem::take(&mut self.workers), std::mem::take(&mut self.watchers)).boxed()
        });
        ready!(farewell.poll_unpin(cx));
        Poll::Ready(Ok(()))
    }
}

/// Lets pump and settler give back what they owe, then ends everything.
async fn leave(mut workers: JoinSet<()>, mut watchers: JoinSet<()>) {
    let all = async { while workers.join_next().await.is_some() {} };
    // Out of time or not, what is left ends here: its leases lapse.
    let _out_of_time = tokio::time::timeout(FAREWELL, all).await;
    workers.shutdown().await;
    watchers.shutdown().await;
}

impl<P> BackendConfig for LeaseBackend<P> {
    type Args = P;
    type Id = JobId;
    type Kind = Ephemeral;
    type Config = Config;
    type Layer = LeaseLayer;

    fn config(&self) -> &Config {
        &self.config
    }

    fn middleware(&mut self, worker: &mut WorkerContext) -> LeaseLayer {
        self.start(worker);
        LeaseLayer::new(Arc::clone(&self.desk), &self.config)
    }
}

impl<P> fmt::Debug for LeaseBackend<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseBackend").field("config", &self.config).finish_non_exhaustive()
    }
}
