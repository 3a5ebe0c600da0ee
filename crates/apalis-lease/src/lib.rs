//! An [apalis](apalis_core) backend on one Postgres table.
//!
//! A job is written in the transaction that makes it necessary ([`enqueue()`]), announced after the
//! commit ([`Waker`]), and run by apalis workers fed by a [`LeaseBackend`]. A worker holds a job
//! under a lease that a heartbeat prolongs; what a handler returns is data ([`Outcome`]); retries
//! wait in the table and hold no slot; what gave up stays visible. Everything else is apalis':
//! task functions, extractors, tower layers, monitor.
//!
//! This crate promises **at least once**: a job runs again when its worker is killed, or cut off
//! from Postgres for longer than a lease while others are not. It does not promise exactly once,
//! keeps no results, and never runs a job that was not committed.
//!
//! ```no_run
//! use apalis_core::error::{BoxDynError, WorkerError};
//! use apalis_core::worker::builder::WorkerBuilder;
//! use apalis_lease::{Config, JobContext, LeaseBackend, NewJob, Outcome, Waker};
//! use tokio::signal::unix::{SignalKind, signal};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Letter {
//!     id: i64,
//! }
//!
//! async fn send(letter: Letter, job: JobContext) -> Outcome {
//!     println!("sending letter {}, attempt {}", letter.id, job.attempt());
//!     Outcome::Done
//! }
//!
//! # async fn example() -> Result<(), BoxDynError> {
//! let pool = sqlx::PgPool::connect("postgres://localhost/post").await?;
//! apalis_lease::migrate(&pool).await?;
//!
//! // Somewhere else: the letter and its job, both or neither.
//! let waker = Waker::new(&pool);
//! let mut transaction = pool.begin().await?;
//! sqlx::query("insert into letters (id) values (17)").execute(&mut *transaction).await?;
//! let job = NewJob::new("letters", Letter { id: 17 }).key("letter-17");
//! apalis_lease::enqueue(&mut transaction, &job).await?;
//! transaction.commit().await?;
//! waker.wake("letters");
//!
//! // The worker: the first SIGTERM drains (claims no more, ends and settles what runs), the
//! // second leaves at once, and what ran is run again by another when its lease has lapsed.
//! let mut sigterm = signal(SignalKind::terminate())?;
//! let mut second = signal(SignalKind::terminate())?;
//! let drain = async move {
//!     sigterm.recv().await;
//!     Ok::<(), WorkerError>(())
//! };
//! let leave = async move {
//!     second.recv().await;
//!     second.recv().await;
//! };
//! let config = Config::new("letters", "worker-1").concurrency(32);
//! let worker =
//!     WorkerBuilder::new("worker-1").backend(LeaseBackend::new(&pool, config)).build(send);
//! tokio::select! {
//!     ended = worker.run_until(drain) => ended?,
//!     () = leave => {}
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Pausing
//!
//! A queue can be paused, or one group of its jobs while the others flow: the jobs of a sender
//! whose token is dead wait without being claimed, and no attempt is burnt.
//!
//! ```no_run
//! # use apalis_lease::{JobContext, NewJob, Outcome, pause_group, resume_group};
//! # async fn example(pool: &sqlx::PgPool) -> Result<(), sqlx::Error> {
//! // Which group a job is in is said when it is enqueued.
//! let job = NewJob::new("letters", 17).group("sender-5");
//!
//! // A handler pauses its own group, and its job waits with the others.
//! async fn send(letter: i64, job: JobContext) -> Outcome {
//!     Outcome::halt("the sender's token is dead")
//! }
//!
//! // So can anybody else, here or in psql: select apalis_lease.pause_group('letters', …).
//! pause_group(pool, "letters", "sender-5", "its token is dead").await?;
//! resume_group(pool, "letters", "sender-5").await?;
//! # Ok(())
//! # }
//! ```
//!
//! Which groups are paused, since when and why, is in `apalis_lease.paused_groups`.
//!
//! # Settling in the job's own transaction
//!
//! What a job has done and that it is done can be one commit ([`JobContext::settle`]): then its
//! effect in the same Postgres happens exactly once, however often it was begun.
//!
//! ```no_run
//! # use apalis_core::error::BoxDynError;
//! # use apalis_core::task::data::Data;
//! # use apalis_lease::{JobContext, Outcome};
//! async fn post(amount: i64, job: JobContext, pool: Data<sqlx::PgPool>) -> Result<(), BoxDynError> {
//!     let mut transaction = pool.begin().await?;
//!     sqlx::query("update account set total = total + $1")
//!         .bind(amount)
//!         .execute(&mut *transaction)
//!         .await?;
//!     job.settle(&mut transaction, &Outcome::Done).await?;
//!     transaction.commit().await?;
//!     Ok(())
//! }
//! ```
//!
//! # Seen from outside
//!
//! [`LeaseStorage`] is a queue for apalis' tools, such as apalis-board: it lists queues, workers and
//! tasks, and takes new ones. With the feature `opentelemetry`, `Metrics` has a worker's counters
//! and times and a queue's depth; [`depth()`] is the latter without it.
//!
//! The guarantees, the states of a job and what Postgres is asked to do are in the README.

mod job;
mod enqueue;
mod waker;

mod config;
mod backoff;
mod outcome;
mod context;
mod backend;

mod desk;
mod pump;
mod settler;
mod settling;
mod service;
mod keeper;
mod listener;

mod control;
mod depth;
mod storage;
mod listing;
mod metrics;
mod migrate;
mod link;
mod sql;

pub use backend::{BackendError, LeaseBackend};
pub use backoff::Backoff;
pub use config::Config;
pub use context::{JobContext, SettleError};
pub use control::{cancel_job, pause_group, pause_queue, resume_group, resume_queue, retry_job};
pub use depth::{Depth, depth};
pub use enqueue::{EnqueueError, enqueue, enqueue_all};
pub use job::{Enqueued, JobId, NewJob, Priority};
#[cfg(feature = "opentelemetry")]
pub use metrics::Metrics;
pub use migrate::migrate;
pub use outcome::Outcome;
pub use service::{LeaseLayer, LeaseService};
pub use storage::{JsonCodec, LeaseStorage, StorageError};
pub use waker::Waker;
