//! A queue as apalis' tools want to see it from outside: its listing traits (`backend/expose`) and
//! its sink for tasks, which is what apalis-board is built on. Runs no job: that is
//! [`crate::LeaseBackend`].

use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use apalis_core::backend::codec::Codec;
use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig, WireFormatBackend};
use apalis_core::task::Task;
use apalis_core::worker::context::WorkerContext;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::{FutureExt, Sink};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgPool;
use tower_layer::Identity;

use crate::enqueue::{EnqueueError, enqueue_all};
use crate::job::{JobId, NewJob, Priority};
use crate::waker::Waker;

/// Why a queue could not be listed or written to.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Postgres refused or is gone.
    #[error("the queue could not be read")]
    Database(#[from] sqlx::Error),
    /// A task could not be written.
    #[error("the task could not be written")]
    Enqueue(#[from] EnqueueError),
}

/// JSON, as the table holds payloads.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonCodec;

impl<T: Serialize + DeserializeOwned> Codec<T> for JsonCodec {
    type Error = serde_json::Error;
    type Compact = Value;

    fn encode(&self, value: &T) -> Result<Value, serde_json::Error> {
        serde_json::to_value(value)
    }

    fn decode(&self, value: &Value) -> Result<T, serde_json::Error> {
        T::deserialize(value)
    }
}

/// One queue for apalis' tools: lists queues, workers and tasks, counts them, and takes new tasks.
///
/// Uses connections of the pool it is given. What it is asked for is read when it is asked, and
/// nothing counts finished jobs: [`apalis_core::backend::QueueInfo::activity`] stays empty.
///
/// A task that is sent becomes a job when the sink is flushed: its `priority` 0, 1 or 2 is that of
/// [`Priority`] (none is normal, more is last), its idempotency key is the job's key, and where that
/// is taken nothing is written. Ids, attempts and states that a task may bring are not taken over.
///
/// Given to a worker it yields no task, and the worker ends: workers want a
/// [`crate::LeaseBackend`].
pub struct LeaseStorage {
    pub(crate) pool: PgPool,
    pub(crate) queue: String,
    waker: Waker,
    waiting: Vec<NewJob<Value>>,
    /// Never locked: there to make a future that is only `Send` shareable.
    writing: Mutex<Option<BoxFuture<'static, Result<(), StorageError>>>>,
}

impl LeaseStorage {
    /// The queue named `queue` in the database of `pool`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(pool: &PgPool, queue: impl Into<String>) -> Self {
        LeaseStorage {
            pool: pool.clone(),
            queue: queue.into(),
            waker: Waker::new(pool),
            waiting: Vec::new(),
            writing: Mutex::new(None),
        }
    }

    fn job(&self, task: Task<Value>) -> NewJob<Value> {
        let (payload, context) = task.take();
        let mut job =
            NewJob::new(self.queue.as_str(), payload).priority(match context.priority() {
                Some(0) => Priority::First,
                Some(1) | None => Priority::Normal,
                Some(_) => Priority::Last,
            });
        let seconds = context.run_at().and_then(|it| i64::try_from(it).ok());
        if let Some(run_at) = seconds.and_then(|it| DateTime::<Utc>::from_timestamp(it, 0)) {
            job = job.run_at(run_at);
        }
        if let Some(key) = context.idempotency_key() {
            job = job.key(key);
        }
        match context.max_attempts().and_then(|it| u16::try_from(it).ok()) {
            Some(max_attempts) => job.max_attempts(max_attempts),
            None => job,
        }
    }
}

async fn write(
    pool: PgPool,
    waker: Waker,
    queue: String,
    jobs: Vec<NewJob<Value>>,
) -> Result<(), StorageError> {
    let mut connection = pool.acquire().await?;
    enqueue_all(&mut connection, &jobs).await?;
    waker.wake(&queue);
    Ok(())
}

impl Sink<Task<Value>> for LeaseStorage {
    type Error = StorageError;

    fn poll_ready(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Result<(), StorageError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, task: Task<Value>) -> Result<(), StorageError> {
        let job = self.job(task);
        self.waiting.push(job);
        Ok(())
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), StorageError>> {
        loop {
            let this = &mut *self;
            let writing = this.writing.get_mut().unwrap_or_else(PoisonError::into_inner);
            if let Some(running) = writing {
                let written = ready!(running.poll_unpin(cx));
                *writing = None;
                written?;
            }
            if this.waiting.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let jobs = std::mem::take(&mut this.waiting);
            let all = write(this.pool.clone(), this.waker.clone(), this.queue.clone(), jobs);
            *writing = Some(all.boxed());
        }
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), StorageError>> {
        self.poll_flush(cx)
    }
}

impl Backend for LeaseStorage {
    type Task = Task<Value>;
    type Error = StorageError;

    fn poll_ready(
        &mut self,
        _cx: &mut Context<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Result<(), StorageError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        _cx: &mut Context<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Option<Result<Task<Value>, StorageError>>> {
        Poll::Ready(None)
    }

    fn poll_close(
        &mut self,
        _cx: &mut Context<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Result<(), StorageError>> {
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for LeaseStorage {
    type Args = Value;
    type Id = JobId;
    type Kind = Ephemeral;
    type Config = String;
    type Layer = Identity;

    /// The queue's name.
    fn config(&self) -> &String {
        &self.queue
    }

    fn middleware(&mut self, _worker: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}

impl WireFormatBackend for LeaseStorage {
    type Codec = JsonCodec;
    type Compact = Value;

    fn codec(&self) -> &JsonCodec {
        &JsonCodec
    }
}

impl fmt::Debug for LeaseStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseStorage").field("queue", &self.queue).finish_non_exhaustive()
    }
}
